// SIGHUP: the configuration is read again, and what can change does.
//
//     wrong anywhere (a field, a certificate) ─► refused whole, the old one stays
//     right ─► certificates and TLS rules, the models' clients and the log level change;
//              what needs a restart is named, and keeps its value

import Configuration
import Logging
import Primitives

extension Gateway {
    func takeOn(_ reload: () throws(ConfigurationError) -> GatewayConfiguration) {
        // Rotation does not depend on what the configuration says now.
        accessLog?.reopen()
        let new: GatewayConfiguration
        do throws(ConfigurationError) { new = try reload() } catch {
            return logger.error("configuration refused, the old one stays: \(error)")
        }
        let (adopted, needRestart) = configuration.adopting(new)
        if let secure {
            do { secure.apply(try secure.prepare(adopted.tls), logger) } catch {
                return logger.error("configuration refused, the old one stays: \(error)")
            }
        }
        configuration = adopted
        controller.adopt(adopted)
        for keyPath in needRestart { logger.error("\(keyPath) has changed and needs a restart; the old value stays") }
        logger.notice("configuration read again")
        logger.logLevel = Logger.Level(rawValue: adopted.logLevel.rawValue) ?? logger.logLevel
    }
}
