"""What a process does beside requests: loops, wake-ups, back-off, timers. Anything above the domain may import it."""
