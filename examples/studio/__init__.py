"""A small content studio, made to be looked at: an API, a worker, an LLM provider, traffic, and faults now and then.

========== ====================== =============================================================================
process    module                 how Plainview comes into it
========== ====================== =============================================================================
API        `studio.api`           in code: ``plainview.configure`` and ``plainview.instrument``
worker     `studio.worker`        in code: ``plainview.configure``, loggers, spans and context of its own
provider   `studio.provider`      not at all: started with ``plainview run``, it knows only `logging`
traffic    `studio.load`          not at all: it stands for the people outside
========== ====================== =============================================================================

``plainview demo`` starts them all, with a server. `studio.settings` says what each reads from the environment.
"""
