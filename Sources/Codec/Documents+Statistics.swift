// `GET /v2/models[/M[/versions/V]]/stats`: Triton's statistics extension, from the counters that the metrics are made of.
//
//     {"model_stats":[{"name":"fraud","version":"1","last_inference":1763735000123,"inference_count":9,
//       "execution_count":4,"inference_stats":{"success":{"count":8,"ns":93000},…},"memory_usage":[…]}]}
//
// Durations: success and fail from a request's arrival to its answer, queue until its batch begins (decoding is in it),
// compute_infer the batches themselves. Reading and writing tensors is not measured apart, and nothing is cached, so
// compute_input, compute_output and the cache's stay at zero; batches are not kept by size (serin_batch_size is their
// histogram), so batch_stats is empty, as is response_stats, which is of decoupled models.

public import Primitives

extension VersionStatistics {
    /// Triton's word for ordinary memory.
    static let memoryType = "CPU"
}

extension Documents {
    public static func statistics(_ versions: [VersionStatistics], into out: inout GrowableBuffer) {
        out.append(#"{"model_stats":["#)
        for (index, version) in versions.enumerated() {
            if index > 0 { out.append(",") }
            write(version, &out)
        }
        out.append("]}")
    }

    private static func write(_ version: VersionStatistics, _ out: inout GrowableBuffer) {
        out.append(#"{"name":"#)
        out.appendJSON(string: version.name)
        out.append(#","version":"#)
        out.appendJSON(string: version.version)
        out.append(string: #","last_inference":\#(version.lastMillis),"inference_count":\#(version.rows)"#)
        out.append(string: #","execution_count":\#(version.executions),"inference_stats":{"#)
        let unmeasured = VersionStatistics.Duration()
        let durations = [
            ("success", version.success), ("fail", version.fail), ("queue", version.queue),
            ("compute_input", unmeasured), ("compute_infer", version.compute), ("compute_output", unmeasured),
            ("cache_hit", unmeasured), ("cache_miss", unmeasured),
        ]
        for (index, (name, duration)) in durations.enumerated() {
            let comma = index > 0 ? "," : ""
            out.append(string: #"\#(comma)"\#(name)":{"count":\#(duration.count),"ns":\#(duration.nanos)}"#)
        }
        out.append(#"},"response_stats":{},"batch_stats":[],"memory_usage":[{"type":"#)
        out.appendJSON(string: VersionStatistics.memoryType)
        out.append(string: #","id":0,"byte_size":\#(version.modelBytes)}]}"#)
    }
}
