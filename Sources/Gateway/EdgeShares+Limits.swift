// The configuration's shares in the words of the modules that keep to them.

import Configuration
import HTTP
import Reactor
import TLS

extension HTTPLimits {
    mutating func take(_ shares: EdgeShares) {
        turnNanos = shares.turnNanos
        receivingShare = shares.receivingShare
        chunkExtensionBytes = shares.chunkExtensionBytes
        smallChunks = shares.smallChunks
        inflatedPerRound = shares.inflatedPerRound
        streamWindow = shares.streamWindow
        connectionWindow = shares.connectionWindow
    }
}

extension ReactorLimits {
    init(_ configuration: GatewayConfiguration) {
        self.init()
        let shares = configuration.limits.shares
        sendRate = configuration.limits.sendRate
        sendGraceNanos = configuration.timeouts.rateGraceNanos
        announcementNanos = configuration.timeouts.headerNanos
        roundNanos = shares.roundNanos
        readBytes = shares.readBytes
        acceptsPerRound = shares.acceptsPerRound
        refusalsAtOnce = shares.refusals
        lingerBytes = shares.lingerBytes
        lingerNanos = shares.lingerNanos
    }
}

extension TLSLimits {
    init(_ configuration: GatewayConfiguration) {
        self.init()
        let shares = configuration.limits.shares
        handshakeNanos = shares.handshakeNanos
        handshakes = shares.handshakes
        messages = shares.tlsMessages
    }
}
