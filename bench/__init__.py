"""The speed of Plainview beside that of others, measured side by side: ``python -m bench``.

`cases` is the table of what is measured and what is to be reached; `contenders` sets each library up as its own
documentation says; `worker` measures one contender in a process of its own; `run` goes round and reports.
"""
