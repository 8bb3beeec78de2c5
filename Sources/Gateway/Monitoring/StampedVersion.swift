// A version that gives out prediction ids: what they mean, and which features go into them.

import Configuration
import Inference
import Monitoring
import Registry

struct StampedVersion: Sendable {
    let subject: LabelSubject
    private let identity: UInt64
    private let amountColumn: Int?
    private let groups: [PredictionStamp.Group]

    /// nil: nobody wants them, or there are no classes that a label could name.
    init?(_ bundle: LoadedBundle, _ settings: ModelFeedback) {
        guard settings.isOn, max(bundle.facts.classCount, bundle.output.classes.count) >= 2 else { return nil }
        let features = bundle.input.features
        let wanted = bundle.manifest.feedback
        subject = LabelSubject(
            model: bundle.name, version: bundle.version, digest: bundle.sourceDigest.description,
            output: bundle.output, features: features, amount: wanted.amount, groups: wanted.groups)
        identity = subject.identity
        func column(_ name: String) -> Int {
            guard let column = features.firstIndex(where: { $0.name == name }) else {
                preconditionFailure("the manifest was checked")
            }
            return column
        }
        amountColumn = wanted.amount.map(column)
        groups = zip(wanted.groups, subject.groups).map {
            PredictionStamp.Group(column: column($0), values: $1.values.count)
        }
    }

    func stamp(_ key: PredictionKey) -> PredictionStamp {
        PredictionStamp(key, identity: identity, amountColumn: amountColumn, groups: groups)
    }
}
