// The process's own figures under the names that every Prometheus dashboard knows, read from
// /proc/self when somebody asks.

import CLinux
import Glibc

public enum ProcessMetrics {
    /// Declares `process_…` in `registry`.
    public static func declare(in registry: MetricsRegistry) throws(MetricsError) {
        try registry.counter("process_cpu_seconds_total", "User and system CPU time in seconds.", read: cpuSeconds)
        try registry.gauge("process_resident_memory_bytes", "Resident memory in bytes.") {
            (statField(24) ?? .nan) * Double(sysconf(Int32(_SC_PAGESIZE)))
        }
        try registry.gauge("process_virtual_memory_bytes", "Virtual memory in bytes.") { statField(23) ?? .nan }
        try registry.gauge("process_open_fds", "Open file descriptors.", read: openDescriptors)
        try registry.gauge("process_max_fds", "Limit of open file descriptors.", read: maxDescriptors)
        try registry.gauge("process_threads", "Threads of the process.") { statField(20) ?? .nan }
        let start = startTime()
        try registry.gauge("process_start_time_seconds", "Start of the process in seconds since the epoch.") { start }
    }

    /// CPU time to the nanosecond: what /proc/self/stat gives in ticks of 10 ms.
    static func cpuSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Field `number` of /proc/self/stat as proc(5) counts them, from the third on.
    static func statField(_ number: Int) -> Double? {
        // The second field is the program's name in parentheses, which may hold spaces and parentheses.
        let stat = contents(of: "/proc/self/stat")
        guard let name = stat.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = stat[(name + 1)...].split(separator: UInt8(ascii: " "))
        guard fields.indices.contains(number - 3) else { return nil }
        return Double(String(decoding: fields[number - 3], as: UTF8.self))
    }

    /// Boot time plus the start in ticks after boot.
    static func startTime() -> Double {
        let lines = contents(of: "/proc/stat").split(separator: UInt8(ascii: "\n"))
        let boot = lines.map { String(decoding: $0, as: UTF8.self) }.first { $0.hasPrefix("btime ") }
        guard let boot, let seconds = Double(boot.dropFirst(6)), let ticks = statField(22) else { return .nan }
        return seconds + ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    static func openDescriptors() -> Double {
        guard let folder = opendir("/proc/self/fd") else { return .nan }
        defer { closedir(folder) }
        var entries = 0
        while readdir(folder) != nil { entries += 1 }
        return Double(entries - 3)  // not `.`, `..` and the folder's own descriptor
    }

    static func maxDescriptors() -> Double {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return .nan }
        return limit.rlim_cur == rlim_t.max ? .infinity : Double(limit.rlim_cur)
    }

    /// A whole file of /proc; empty where it cannot be read.
    private static func contents(of path: String) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            guard count > 0 else { return bytes }
            bytes += chunk[..<count]
        }
    }
}
