"""How each row is measured, in the page's own words."""

METHOD = """\
Every run starts from a fresh database, a fresh cluster (`manage.py qcluster` with its defaults,
256 slots shared by one worker per core) and a fake provider in a process of its own, which
answers after exactly the latency that a row names. One task goes all the way first, then the
clock starts. Every process, the database and the provider included, shares the machine's cores.

- **N × 1.0 s**: from the commit that makes the tasks visible to the moment when a reader on a
  connection of its own sees no task left, looking every 10 ms. Ideal: full loads of all slots, one
  second each. A run counts only if each task completed and the provider got exactly one call for
  each. For peers the clock starts when their first task can be taken.
- **CPU per call**: user and system time of every process of the cluster, workers and what
  supervises them, and with PostgreSQL of the server's backends for this database and its
  writers; with peers the Redis they need as well. The fake provider and the inserting
  process are not in it.
- **no-op**: tasks of the mock provider without latency. *Insert to terminal*: in batches of 1,000
  by the statements of the batch door, from the begin of the first insert to the last terminal
  row. Peers: a job that writes its row and calls nobody, from the begin of the submits, which they
  take one by one.
- **idle pickup**: one `services.submit` after another with random pauses of 20 to 120 ms, from just
  after each commit to the arrival of its request at the provider, both by the same monotonic clock.
  Peers: from the return of their submit.
- **memory**: PSS of every process of the cluster with 256 calls in flight, in the second full load;
  peers in their first, without their Redis.
- **idle CPU**: a cluster with nothing to do, from eight seconds after its start, and its
  database's backends; all runs are stretches of ten seconds on one cluster.
- **claim**: `tasks.engine.claim.claim` for 128 tasks, on a table that holds due rows only, and on
  one with a long history besides; rounds alternate between the two.
- **batch**: `POST /api/batches/` with JSON lines to one web process, from the first byte sent to
  the answer; memory is its highest resident set, less that after a batch of 200 lines.
- **20 priorities × 4 processes**: tasks of 0.05 s with a priority by chance come in transactions of
  100, faster than four processes of 64 slots call them. Counted by the log, all of it in the
  database's time: tasks that waited while a less urgent one was claimed, except within 0.1 s of
  their insert or of their own claim, for claims at the same moment do not see each other.

The peers' tasks do the same work (same prompts, same provider, an UPDATE of a row in PostgreSQL);
none of them keeps attempts, leases, a journal, cost or priorities, and their Redis keeps nothing on
disk. django-q2 alone makes only as many calls as it has processes, so it gets fewer tasks, on
lines of its own. Peers also get fewer no-ops and pickups, as the notes tell; with so few samples
their p99 is nearly their slowest."""
