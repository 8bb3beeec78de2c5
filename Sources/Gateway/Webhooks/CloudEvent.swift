// CloudEvents 1.0, structured: the whole event is the body.

import Admin

struct CloudEvent<Data: Encodable>: Encodable {
    static var headers: [(String, String)] { [("Content-Type", "application/cloudevents+json; charset=utf-8")] }

    var specversion = "1.0"
    var type: String
    var source = "serin"
    var subject: String
    var id: String
    /// RFC 3339.
    var time: String
    var datacontenttype = "application/json"
    var data: Data

    /// - Parameter millis: since 1970.
    init(_ type: String, subject: String, id: String, at millis: Int64, data: Data) {
        (self.type, self.subject, self.id, self.data) = (type, subject, id, data)
        time = Timestamp.text(millis)
    }
}
