"""The loader's real code in a simulated world: virtual time, a wire that fails, people who edit.

One schedule is one seed: load, a change of plan, second load, closing sweep, then the checker. The
destination is the sandbox's `handle`, called in this process; nothing waits for real time.
"""
