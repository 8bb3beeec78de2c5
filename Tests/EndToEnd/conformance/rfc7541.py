"""RFC 7541: what a server's decoder must take, and what it must refuse with COMPRESSION_ERROR (RFC 9113, 4.3)."""

from conformance.cases import breaks, case, serves
from harness import wire
from harness.peer import LIVE
from harness.wire import COMPRESSION_ERROR, HEADER_TABLE_SIZE, KEPT, NEVER, PLAIN, integer, literal

#: GET, http, the path and the authority, as short as HPACK has them.
SHORT = wire.indexed(2) + wire.indexed(6) + literal(4, LIVE) + literal(1, "localhost")


def takes(section: str, sentence: str, block: bytes, settings=()):
    serves(section, sentence, lambda peer: wire.headers(1, block), settings=settings)


def refuses(section: str, sentence: str, block: bytes):
    breaks(section, sentence, COMPRESSION_ERROR, lambda peer: wire.headers(1, SHORT + block))


# 2.3 Indexing tables


@case("HPACK 2.2", "the decoder's state lasts over the connection: the table of one block serves the next")
def dynamic_table(peer):
    peer.send(wire.headers(1, SHORT + literal("te", "trailers", KEPT)))
    assert peer.answer(1).status == 200
    peer.send(wire.headers(3, SHORT + wire.indexed(62)))
    assert peer.answer(3).status == 200
    peer.alive()


@case("HPACK 2.3.2", "the newest entry has the lowest index, and what it holds is what was put in")
def newest_first(peer):
    """Indexed as 62 it is `te: gzip`, malformed; as 63 `te: trailers`, which is fine."""
    peer.send(wire.headers(1, SHORT + literal("te", "trailers", KEPT)))
    assert peer.answer(1).status == 200
    peer.send(wire.headers(3, SHORT + literal("te", "gzip", KEPT)))
    peer.malformed(3)
    stream = peer.next()
    peer.send(wire.headers(stream, SHORT + wire.indexed(63)))
    assert peer.answer(stream).status == 200
    stream = peer.next()
    peer.send(wire.headers(stream, SHORT + wire.indexed(62)))
    peer.malformed(stream)


takes("HPACK 2.3.2", "duplicate entries MUST NOT be treated as an error", SHORT + literal("x", "y", KEPT) * 3)
takes("HPACK 2.3.3", "the last index of the dynamic table", SHORT + literal("x", "y", KEPT) + literal("x", "z", KEPT)
      + wire.indexed(63))
refuses("HPACK 2.3.3", "an index beyond both tables MUST be a decoding error: indexed field", wire.indexed(62))
refuses("HPACK 2.3.3", "an index beyond both tables MUST be a decoding error: by one", literal("x", "y", KEPT) + wire.indexed(63))
refuses("HPACK 2.3.3", "an index beyond both tables MUST be a decoding error: name of a literal", literal(62, "y"))
refuses("HPACK 2.3.3", "an index beyond both tables MUST be a decoding error: name of a kept literal", literal(70, "y", KEPT))
refuses("HPACK 2.3.3", "an index beyond both tables MUST be a decoding error: name of a never indexed literal",
        literal(62, "y", NEVER))

# 3.2 Header field representation processing


@case("HPACK 3.2", "fields keep the order of their representations")
def order(peer):
    """A regular field before the last pseudo-header field is seen as such: malformed."""
    peer.send(wire.headers(1, wire.indexed(2) + wire.indexed(6) + literal("x", "y") + literal(4, LIVE) + literal(1, "a")))
    peer.malformed(1)


# 4 Dynamic table management

takes("HPACK 4.2", "a size update may open a block", wire.size_update(4096) + SHORT)
takes("HPACK 4.2", "two size updates may open a block", wire.size_update(0) + wire.size_update(4096) + SHORT)
takes("HPACK 4.2", "a size of 0 empties the table, and is taken", wire.size_update(0) + SHORT + literal("x", "y", KEPT))
refuses("HPACK 4.2", "a size update MUST occur at the beginning of a block: behind fields", wire.size_update(1024))


@case("HPACK 4.3", "lowering the table's size evicts: what was in it can not be named any more")
def lowered(peer):
    peer.send(wire.headers(1, SHORT + literal("te", "trailers", KEPT)))
    assert peer.answer(1).status == 200
    peer.send(wire.headers(3, wire.size_update(0) + wire.size_update(4096) + SHORT + wire.indexed(62)))
    peer.goaway(COMPRESSION_ERROR)


@case("HPACK 4.4", "an entry pushes out the oldest: what has gone can not be named any more")
def evicted(peer):
    entries = b"".join(literal(f"x-{index}", "y" * 1000, KEPT) for index in range(5))
    peer.send(wire.headers(1, SHORT + entries))
    assert peer.answer(1).status == 200
    peer.send(wire.headers(3, SHORT + wire.indexed(64)))
    assert peer.answer(3).status == 200
    peer.send(wire.headers(5, SHORT + wire.indexed(65)))
    peer.goaway(COMPRESSION_ERROR)


@case("HPACK 4.4", "an entry larger than the table empties it and is no error")
def too_large(peer):
    peer.send(wire.headers(1, SHORT + literal("te", "trailers", KEPT) + literal("x", "y" * 5000, KEPT)))
    assert peer.answer(1).status == 200
    peer.send(wire.headers(3, SHORT + wire.indexed(62)))
    peer.goaway(COMPRESSION_ERROR)


@case("HPACK 4.4", "a new entry may take its name from the entry that it pushes out")
def name_of_evicted(peer):
    peer.send(wire.headers(1, SHORT + literal("x-name", "y" * 4050, KEPT)))
    assert peer.answer(1).status == 200
    peer.send(wire.headers(3, SHORT + literal(62, "z" * 4050, KEPT) + wire.indexed(62)))
    assert peer.answer(3).status == 200


# 5.1 Integers

takes("HPACK 5.1", "an integer may use more octets than it needs", SHORT + b"\x0f\x80\x00" + wire.string("y"))
refuses("HPACK 5.1", "an integer without end MUST be a decoding error", b"\x8f" * 0 + b"\xff" + b"\x80" * 30)
refuses("HPACK 5.1", "an integer above the limits MUST be a decoding error: an index", b"\xff\xff\xff\xff\xff\xff\x0f")
refuses("HPACK 5.1", "an integer above the limits MUST be a decoding error: a length",
        b"\x00\x7f\xff\xff\xff\xff\xff\xff\x7f" + b"x")
refuses("HPACK 5.1", "an integer that the block ends within MUST be a decoding error", b"\xff")

# 5.2 String literals

takes("HPACK 5.2", "a Huffman-coded value", SHORT + literal("x", "www.example.com", PLAIN, is_huffman=True))
takes("HPACK 5.2", "a Huffman-coded name and value, of every octet a value may hold",
      SHORT + literal("x-all", bytes([*range(0x21, 0x7F), *range(0x80, 0x100)]), PLAIN, is_huffman=True))
takes("HPACK 5.2", "an empty Huffman-coded value", SHORT + b"\x00" + wire.string("x") + b"\x80")
refuses("HPACK 5.2", "padding of more than 7 bits MUST be a decoding error", b"\x00" + wire.string("x") + b"\x82\x1f\xff")
refuses("HPACK 5.2", "padding of 8 bits, all ones, MUST be a decoding error", b"\x00" + wire.string("x") + b"\x81\xff")
refuses("HPACK 5.2", "padding that is not EOS's first bits MUST be a decoding error", b"\x00" + wire.string("x") + b"\x81\x18")
refuses("HPACK 5.2", "a string with EOS MUST be a decoding error", b"\x00" + wire.string("x") + b"\x84\xff\xff\xff\xff")
refuses("HPACK 5.2", "EOS behind a symbol MUST be a decoding error",
        b"\x00" + wire.string("x") + b"\x85\x1f\xff\xff\xff\xff")
refuses("HPACK 5.2", "padding in a name's code is held to the same", b"\x00\x81\xff" + wire.string("y"))
refuses("HPACK 5.2", "a string longer than its block MUST be a decoding error", b"\x00" + wire.string("x") + b"\x05abc")

# 6 Binary format

refuses("HPACK 6.1", "index 0 MUST be a decoding error in an indexed field", b"\x80")
for index in (15, 16, 32, 61):
    takes("HPACK 6.1", f"an indexed field of the static table, {index}", SHORT + wire.indexed(index))
for name, kind in (("with incremental indexing", KEPT), ("without indexing", PLAIN), ("never indexed", NEVER)):
    takes("HPACK 6.2", f"a literal {name}, its name indexed", SHORT + literal(19, "*/*", kind))
    takes("HPACK 6.2", f"a literal {name}, its name new", SHORT + literal("x-new", "1", kind))
    takes("HPACK 6.2", f"a literal {name}, Huffman-coded", SHORT + literal("x-new", "1", kind, is_huffman=True))


@case("HPACK 6.2.2", "a literal without indexing does not alter the table")
def not_kept(peer):
    peer.send(wire.headers(1, SHORT + literal("x", "y", PLAIN) + literal("x", "z", NEVER)))
    assert peer.answer(1).status == 200
    peer.send(wire.headers(3, SHORT + wire.indexed(62)))
    peer.goaway(COMPRESSION_ERROR)


SIZE = "a size above the limit MUST be a decoding error"
breaks("HPACK 6.3", f"{SIZE}: by one", COMPRESSION_ERROR, lambda peer: wire.headers(1, wire.size_update(4097) + SHORT))
breaks("HPACK 6.3", f"{SIZE}: far", COMPRESSION_ERROR, lambda peer: wire.headers(1, integer(1 << 30, 5, 0x20) + SHORT))


@case("HPACK 6.3", "the client's own HEADER_TABLE_SIZE does not move the limit of what it may send",
      settings=[(HEADER_TABLE_SIZE, 8192)])
def own_setting(peer):
    peer.send(wire.headers(1, wire.size_update(8192) + SHORT))
    peer.goaway(COMPRESSION_ERROR)
