// Whether two versions read a request alike, so that one may answer for the other.

internal import Inference

extension ModelCodec {
    /// The same features in the same order, with the same categories, and as many scores a row.
    public func hasFeatures(of other: ModelCodec) -> Bool {
        columns == other.columns
            && input.features.elementsEqual(other.input.features) {
                $0.name == $1.name && $0.kind == $1.kind && $0.categories == $1.categories
            }
    }
}
