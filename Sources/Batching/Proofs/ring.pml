/* The bounded ring (Ring/BoundedRing.swift), every interleaving of PRODUCERS and CONSUMERS.
 *
 * A step here is one access to shared memory there: load turn, compare-and-swap head or tail, write the item, publish
 * the turn.  Claimed: nothing is lost, nothing comes twice, a full ring refuses, an item is read only after it was written, and
 * a cell is filled only when it is empty.
 *
 * Seeded faults, each of which spin must find:
 *   -DFAULT_PUBLISH_FIRST   the turn is published before the item is written
 *   -DFAULT_EARLY_FREE      the consumer gives the cell back before it has read the item
 *   -DFAULT_BLIND_STORE     a position is taken by load and store instead of compare-and-swap
 */
#ifndef PRODUCERS
#define PRODUCERS 2
#endif
#ifndef CONSUMERS
#define CONSUMERS 2
#endif
#ifndef SIZE
#define SIZE 4
#endif
#ifndef EACH
#define EACH 2                      /* items of a producer */
#endif
#define ITEMS (PRODUCERS * EACH)

byte turn[SIZE];                    /* of a cell: position, + 1 when full, + SIZE when empty again */
byte item[SIZE];                    /* 0: nothing */
byte head = START, tail = START;    /* START: where they begin, so that laps wrap around */
byte seen[ITEMS + 1];               /* how often an item was taken */
byte taken = 0;

inline win(counter, position, mine) {
#ifdef FAULT_BLIND_STORE
  if
  :: counter == position -> mine = true
  :: else -> mine = false
  fi;
  if
  :: mine -> counter = position + 1
  :: else
  fi
#else
  atomic {
    if
    :: counter == position -> counter = position + 1; mine = true
    :: else -> mine = false
    fi
  }
#endif
}

inline push(value, ok) {
  position = head;
  do
  :: t = turn[position % SIZE];
     if
     :: t == position ->
        win(head, position, mine);
        if
        :: mine ->
#ifdef FAULT_PUBLISH_FIRST
           turn[position % SIZE] = position + 1;
           item[position % SIZE] = value;
#else
           assert(item[position % SIZE] == 0);
           item[position % SIZE] = value;
           turn[position % SIZE] = position + 1;
#endif
           ok = true; break
        :: else -> position = head
        fi
     :: t < position -> ok = false; break
     :: else -> position = head
     fi
  od
}

inline pop(value) {
  position = tail;
  do
  :: t = turn[position % SIZE];
     if
     :: t == position + 1 ->
        win(tail, position, mine);
        if
        :: mine ->
#ifdef FAULT_EARLY_FREE
           turn[position % SIZE] = position + SIZE;
           value = item[position % SIZE];
           item[position % SIZE] = 0;
#else
           value = item[position % SIZE];
           item[position % SIZE] = 0;
           turn[position % SIZE] = position + SIZE;
#endif
           assert(value != 0);
           break
        :: else -> position = tail
        fi
     :: t < position + 1 -> value = 0; break
     :: else -> position = tail
     fi
  od
}

proctype producer(byte first) {
  byte position, t, n = 0;
  bool mine, ok;
  do
  :: n < EACH ->
     push(first + n, ok);
     if
     :: ok -> n++
     :: else                  /* refused: the ring is full, or a consumer has not yet given its last cell back */
     fi
  :: else -> break
  od
}

proctype consumer() {
  byte position, t, value;
  bool mine;
  do
  :: taken < ITEMS ->
     pop(value);
     if
     :: value != 0 ->
        d_step { seen[value]++; assert(seen[value] == 1); taken++; value = 0 }
     :: else
     fi
  :: else -> break
  od
}

init {
  byte i;
  atomic {
    i = 0;
    do
    :: i < SIZE ->
       turn[(START + i) % SIZE] = START + i;
       i++
    :: else -> break
    od;
    i = 0;
    do
    :: i < PRODUCERS -> run producer(1 + i * EACH); i++
    :: else -> break
    od;
    i = 0;
    do
    :: i < CONSUMERS -> run consumer(); i++
    :: else -> break
    od
  }
  (_nr_pr == 1);
  assert(taken == ITEMS);
  assert(head == START + ITEMS && tail == START + ITEMS)
}
