"""What live streams cost: a thousand sockets, some of which never read, and how late events arrive."""
