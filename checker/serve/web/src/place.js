// Places of a report in a document: there lines and columns begin at 1, and columns count Unicode characters.

/** The document's offset of a line and a column; what lies outside is drawn to the nearest end. */
export function offset(doc, line, column) {
    if (line > doc.lines) {
        return doc.length;
    }
    const { from, text } = doc.line(Math.max(line, 1));
    let at = 0;
    for (const char of text) {
        if (--column < 1) {
            break;
        }
        at += char.length;
    }
    return from + at;
}

/** The range of a place or an edit, `{ line, column, end_line, end_column }`. */
export function range(doc, place) {
    const from = offset(doc, place.line, place.column);
    return { from, to: Math.max(from, offset(doc, place.end_line, place.end_column)) };
}
