/* Sleep and wake (Ring/WakeWord.swift) around a queue with a token (Queue/VersionQueue.swift).
 *
 * PRODUCERS push ITEMS in all and signal; RUNNERS look, take the token, take what is there, let the token go, and sleep
 * when they find nothing.  The word counts signals and sleepers and is changed by read-modify-write only; the kernel compares it
 * once more before it lets a thread sleep (futex).  `pushed` and `free` stand for everything that a store buffer could
 * hide: another thread sees a store only when the buffer is flushed, which any read-modify-write does.  So the model has
 * the reordering that x86 has (a store passed by a later load), and the argument for `hasSleepers` is checked, not believed.
 *
 * A runner may hang in what it has taken, as long as one is left: the others must do the rest.
 *
 * Claimed: it always ends with everything taken; a runner that sleeps while there is work that nobody will wake it for is a
 * deadlock, which spin reports as an invalid end state.
 *
 * Seeded faults, each of which spin must find:
 *   -DFAULT_NO_SECOND_LOOK   a runner sleeps without looking again after it has said so
 *   -DFAULT_SIGNAL_FIRST     a producer signals before it pushes
 *   -DFAULT_NO_HANDOVER      a runner that lets the token go wakes nobody
 *   -DFAULT_PLAIN_LOOK       it looks for sleepers with a load, not with a read-modify-write
 */
#ifndef PRODUCERS
#define PRODUCERS 2
#endif
#ifndef RUNNERS
#define RUNNERS 2
#endif
#define ITEMS PRODUCERS

byte queue = 0;                      /* items that everybody sees */
byte unseen[PRODUCERS];              /* items in a producer's store buffer */
bool token = false;                  /* as everybody sees it */
bool freed[RUNNERS];                 /* a runner's `token = false` is in its store buffer */
byte signals = 0, sleepers = 0;      /* the word */
byte taken = 0, hung = 0;
byte asleep = 0, woken = 0;          /* the kernel's: threads in futex_wait, wake-ups given to them */

/* A read-modify-write, and the buffers of who does it. */
inline flush_producer(me) { queue = queue + unseen[me]; unseen[me] = 0 }
inline flush_runner(me) { if :: freed[me] -> token = false; freed[me] = false :: else fi }

inline wake() {                      /* futex_wake(1) */
  atomic { if :: asleep > woken -> woken++ :: else fi }
}

active [PRODUCERS] proctype producer() {
  bool somebody;
#ifdef FAULT_SIGNAL_FIRST
  atomic { somebody = sleepers > 0; signals++ };
  if :: somebody -> wake() :: else fi;
  unseen[_pid]++;
  atomic { flush_producer(_pid) };
#else
  unseen[_pid]++;
  atomic { flush_producer(_pid); somebody = sleepers > 0; signals++ };
  if :: somebody -> wake() :: else fi
#endif
}

active [RUNNERS] proctype runner() {
  byte me = _pid - PRODUCERS;
  byte key, keyOfSleepers;
  bool work, mine, somebody;
  do
  :: taken == ITEMS -> break
  :: taken < ITEMS ->
     /* look: the token, then the queue, as hasWork does */
     work = (!token || freed[me]); work = work && queue > 0;
     if
     :: work ->
        atomic { flush_runner(me); mine = !token; token = true };       /* exchange */
        if
        :: mine ->
           atomic { if :: queue > 0 -> queue--; taken++ :: else fi };   /* take one; more may be left */
           freed[me] = true;                                            /* a plain store: not yet seen by others */
#ifndef FAULT_NO_HANDOVER
#ifdef FAULT_PLAIN_LOOK
           somebody = sleepers > 0;
           work = queue > 0;
           atomic { flush_runner(me) };
#else
           atomic { flush_runner(me); somebody = sleepers > 0 };
           work = !token; work = work && queue > 0;
#endif
           if
           :: somebody && work ->
              atomic { flush_runner(me); somebody = sleepers > 0; signals++ };
              if :: somebody -> wake() :: else fi
           :: else
           fi;
#endif
           /* the last one tells those who sleep that it is over, which only the model wants */
           atomic { if :: taken == ITEMS -> flush_runner(me); signals++; woken = asleep :: else fi };
           /* scoring; all runners but one may hang in it for ever */
           atomic { if :: hung < RUNNERS - 1 -> hung++; flush_runner(me); break :: skip fi }
        :: else
        fi
     :: else ->
        atomic { flush_runner(me); sleepers++; key = signals; keyOfSleepers = sleepers };
#ifdef FAULT_NO_SECOND_LOOK
        work = false;
#else
        work = !token; work = work && queue > 0;
#endif
        if
        :: work || taken == ITEMS -> sleepers--
        :: else ->
           atomic {                  /* futex_wait: sleeps only if the word is what it was */
             if
             :: key == signals && keyOfSleepers == sleepers && taken < ITEMS -> asleep++; mine = true
             :: else -> mine = false
             fi
           };
           if
           :: mine -> atomic { woken > 0 -> woken--; asleep-- }
           :: else
           fi;
           sleepers--
        fi
     fi
  /* the buffer empties by itself, at any moment */
  :: freed[me] -> atomic { flush_runner(me) }
  od
}
