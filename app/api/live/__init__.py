"""WebSocket: one connection over which a client follows any number of channels, such as `execution:{id}`.

The handshake is a request of HTTP, which REST answers. What follows is here: the messages of clients, the channels, and
frames with events. The events come from the feed, which is followed once for each tenant; the text of a frame is made
once for all sockets that get it.
"""
