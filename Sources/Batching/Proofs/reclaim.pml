/* Quiescent-state reclamation (design decision 3): a control thread replaces what readers look up, and frees the old
 * one when nobody can still see it.
 *
 *     reader:   announce(epoch) ─► load the pointer ─► use it … ─► announce(epoch) ─► …      or: asleep
 *     writer:   replace the pointer ─► epoch + 1 ─► wait until every reader has announced the new epoch, or
 *               sleeps ─► free the old one
 *
 * READERS are reactors and executors; each announces once a round and keeps what it loaded until the next announcement.  A
 * sleeper says so before it sleeps, and announces again before it loads anything.  The store of an announcement may lie in a
 * store buffer when the pointer is loaded, unless it is a read-modify-write: the model has that buffer.
 *
 * Claimed: nobody uses what is freed, and everything that was replaced is freed.
 *
 * Seeded faults, each of which spin must find:
 *   -DFAULT_FREE_EARLY       freed when the pointer is replaced, waiting for nobody
 *   -DFAULT_KEEP_POINTER     a reader goes on using what it loaded a round before
 *   -DFAULT_LAZY_WAKE        a reader that wakes up announces with a plain store, which may be seen too late
 */
#ifndef READERS
#define READERS 2
#endif
#define ROUNDS 2
#define SWAPS 2
#define ASLEEP 9

byte current = 0;                    /* the object that is published */
bool isFreed[SWAPS + 1];
byte epoch = 0;
byte announced[READERS];             /* as the writer sees it */
byte buffered[READERS];              /* what a reader's store buffer holds */
bool isBuffered[READERS];

inline use(object) { assert(!isFreed[object]) }

active [READERS] proctype reader() {
  byte me = _pid, mine = 0, rounds = 0;
  bool isAwake = true;
  do
  :: rounds == ROUNDS -> break
  :: rounds < ROUNDS && isAwake ->
     /* a round: announce that nothing of the round before is held, load, use */
     atomic { announced[me] = epoch; isBuffered[me] = false };
#ifdef FAULT_KEEP_POINTER
     if :: rounds == 0 -> mine = current :: else fi;
#else
     mine = current;
#endif
     use(mine);
     use(mine);
     rounds++
  :: rounds < ROUNDS && isAwake -> announced[me] = ASLEEP; isAwake = false
  :: !isAwake ->
     /* wakes up: must be seen awake before it loads */
#ifdef FAULT_LAZY_WAKE
     buffered[me] = epoch; isBuffered[me] = true;
#else
     atomic { announced[me] = epoch; isBuffered[me] = false };
#endif
     isAwake = true;
     mine = current;
     use(mine);
     atomic { if :: isBuffered[me] -> announced[me] = buffered[me]; isBuffered[me] = false :: else fi };
     use(mine);
     rounds++
  od;
  announced[me] = ASLEEP
}

active proctype writer() {
  byte old, i, swaps = 0;
  do
  :: swaps < SWAPS ->
     old = current;
     current = swaps + 1;
     epoch++;
#ifndef FAULT_FREE_EARLY
     i = 0;
     do
     :: i < READERS -> (announced[i] == epoch || announced[i] == ASLEEP); i++
     :: else -> break
     od;
#endif
     isFreed[old] = true;
     swaps++
  :: else -> break
  od;
  assert(isFreed[0] && isFreed[1] && !isFreed[SWAPS])
}
