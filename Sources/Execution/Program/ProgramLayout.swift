// Where values stand in scratch: side by side while both are needed, one over the other when not.
//
//     stage        0    1    2    3
//     value 0    ──┤
//     value 1      ├────┤              value 2 begins where value 0 was
//     value 2           ├────┤
//
// Six layers of a network need the room of the two widest neighbours, which keeps a chunk of rows in
// the caches.

internal import ModelFormat

struct ProgramLayout {
    /// Of each value: bytes of a row before it.
    private(set) var places: [Int]
    /// Bytes of a row in all.
    private(set) var rowBytes = 0

    init(_ program: ProgramLowering) {
        let ends = Self.lastReaders(of: program)
        places = [Int](repeating: 0, count: program.values.count)
        var held: [(value: Int, start: Int, end: Int)] = []
        place(0, program, &held)
        for (index, stage) in program.stages.enumerated() {
            held.removeAll { ends[$0.value] < index }
            place(stage.output, program, &held)
        }
    }

    /// The last stage that reads each value; outputs are read after all of them.
    private static func lastReaders(of program: ProgramLowering) -> [Int] {
        var ends = [Int](repeating: -1, count: program.values.count)
        for (index, stage) in program.stages.enumerated() {
            ends[stage.output] = max(ends[stage.output], index)
            for input in stage.inputs { ends[input] = index }
        }
        ends[program.margins] = .max
        ends[program.scores] = .max
        return ends
    }

    /// Takes the first gap that is large enough; `held` is ordered by place.
    private mutating func place(
        _ value: Int, _ program: ProgramLowering, _ held: inout [(value: Int, start: Int, end: Int)]
    ) {
        let size = program.values[value].byteCount
        var start = 0
        var position = held.endIndex
        for (index, other) in held.enumerated() {
            if other.start - start >= size {
                position = index
                break
            }
            start = other.end
        }
        held.insert((value, start, start + size), at: position)
        places[value] = start
        rowBytes = max(rowBytes, start + size)
    }
}

extension Pipeline.Value {
    /// Of one row.
    var byteCount: Int { columns * (width == .float32 ? 4 : 8) }
}

extension NumberWidth {
    /// As the images say it.
    var code: UInt32 { UInt32(rawValue) }
}
