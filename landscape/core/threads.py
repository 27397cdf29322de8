"""How the threads of the numerical libraries wait for one another."""

import os

# Part of the environment of a process that computes; it is read when the OpenMP library loads.
# The spin count is libgomp's own and goes before the policy there: a thread looks a thousand times before it sleeps.
SLEEPING_THREADS = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "1000"}


def let_waiting_threads_sleep() -> None:
    """Have waiting OpenMP threads sleep soon, unless the environment says otherwise; call it before torch loads.

    By default they spin. That is as good on an idle machine, but where another program runs, too, the spinning keeps
    the very thread from running that is waited for: two threads on two busy cores were 10 to 30 times slower than one.
    To sleep at once costs more than it saves between the layers of small networks: two threads were three times slower
    than one on idle cores.
    """
    for name, value in SLEEPING_THREADS.items():
        os.environ.setdefault(name, value)
