// How many reactors a machine, or a container's share of one, can feed.

import CLinux
import Glibc

public enum ReactorCount {
    /// The smaller of the CPU affinity and the cgroup's quota (v2, else v1), rounded up; at least 1.
    public static func available() -> Int {
        let affinity = Int(clinux_affinity_count())
        return max(1, min(affinity, quota() ?? affinity))
    }

    /// A thread of this process can keep a processor awake without taking it from others.
    public static func hasOneToSpare() -> Bool {
        hasOneToSpare(
            affinity: Int(clinux_affinity_count()), online: sysconf(Int32(_SC_NPROCESSORS_ONLN)), quota: quota())
    }

    /// Pinned to one of several it has that one for itself; of four or more nobody misses one.
    static func hasOneToSpare(affinity: Int, online: Int, quota: Int?) -> Bool {
        let quota = quota ?? online
        return affinity == 1 ? min(online, quota) > 1 : min(affinity, quota) > 3
    }

    private static func quota() -> Int? {
        quotaV2(read("/sys/fs/cgroup/cpu.max"))
            ?? quotaV1(
                quota: read("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), period: read("/sys/fs/cgroup/cpu/cpu.cfs_period_us")
            )
    }

    /// `cpu.max`: "200000 100000" is two processors, "max 100000" no limit.
    static func quotaV2(_ text: String?) -> Int? {
        let parts = text?.split(whereSeparator: \.isWhitespace) ?? []
        guard parts.count == 2, let quota = Double(parts[0]), let period = Double(parts[1]), period > 0 else {
            return nil
        }
        return Int((quota / period).rounded(.up))
    }

    static func quotaV1(quota: String?, period: String?) -> Int? {
        guard let quota = quota.flatMap({ Double($0.filter { !$0.isWhitespace }) }), quota > 0,
            let period = period.flatMap({ Double($0.filter { !$0.isWhitespace }) }), period > 0
        else { return nil }
        return Int((quota / period).rounded(.up))
    }

    private static func read(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }
}
