// First in, first out, in one array that is used again.

struct Queue<Element> {
    private var elements: [Element] = []
    private var start = 0

    var count: Int { elements.count - start }
    var first: Element? { start < elements.count ? elements[start] : nil }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func removeFirst() {
        start += 1
        // Moved down when half of it is used up: an element is moved once on average.
        if start >= 1024, start * 2 >= elements.count {
            elements.removeFirst(start)
            start = 0
        } else if start == elements.count {
            elements.removeAll(keepingCapacity: true)
            start = 0
        }
    }

    mutating func removeAll() {
        elements.removeAll(keepingCapacity: true)
        start = 0
    }
}
