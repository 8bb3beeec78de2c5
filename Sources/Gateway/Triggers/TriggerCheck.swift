// The files that triggers and plans for new versions name, read before anything starts.

public import Configuration
import Monitoring
import Rollout
import TLS

public enum TriggerCheck {
    /// What is wrong with them, a sentence each.
    public static func problems(_ configuration: GatewayConfiguration) -> [String] {
        configuration.models.flatMap { model -> [String] in
            let found = model.triggers.compactMap { trigger in
                problem(trigger.webhook).map { "models.\(model.name).triggers: \(trigger.name): \($0)" }
            }
            guard case .rollout(let source, _) = model.onNewVersion else { return found }
            do throws(ConfigurationError) {
                _ = try plan(text(of: source), source: name(of: source), of: model.name)
                return found
            } catch { return found + ["models.\(model.name).on_new_version: \(error)"] }
        }
    }

    private static func problem(_ webhook: WebhookConfiguration) -> String? {
        do throws(ConfigurationError) { _ = try WebhookSecrets(file: webhook.secretFile) } catch {
            return "secret: \(error)"
        }
        guard webhook.target.isSecure else { return nil }
        do throws(TLSClientError) {
            _ = try TLSClient(authorities: webhook.authorities, protocols: ["http/1.1"])
            return nil
        } catch { return "authorities: \(error.place) \(error.reason)" }
    }

    /// The plan's text as it is now.
    static func text(of source: NewVersionPolicy.PlanSource) throws(ConfigurationError) -> String {
        switch source {
        case .text(let text): return text
        case .file(let path): return String(decoding: try FileBytes.read(path, limit: 1 << 20), as: UTF8.self)
        }
    }

    private static func name(of source: NewVersionPolicy.PlanSource) -> String {
        if case .file(let path) = source { path } else { "plan" }
    }

    /// A plan that a rollout of this model can be started with.
    static func plan(_ text: String, source: String, of model: String) throws(ConfigurationError) -> RolloutPlan {
        let plan = try PlanReader.parse(Array(text.utf8), source: source)
        if let named = plan.model, named != model {
            throw ConfigurationError(source: source, message: "is for \(named), not for \(model)")
        }
        for step in plan.steps {
            for hook in [step.before, step.after].compactMap({ $0 }) where WebhookTarget(hook.url) == nil {
                throw ConfigurationError(
                    source: source, message: "\(hook.url): expected \(WebhookTarget.expectation)")
            }
        }
        return plan
    }
}
