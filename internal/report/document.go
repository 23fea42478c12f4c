package report

import (
	"fmt"
	"strings"
)

// document is an HTML page in the making. It is not html/template, whose reflection keeps the linker from dropping code
// of which no function makes use: see docs/adr/0012-package-size.md.
type document struct{ strings.Builder }

// markup is a piece of the page as it stands in this package. A string that is known only later is none without a
// conversion, of which there is none.
type markup string

// add appends markup with values in the places of its verbs, which are in text or in attributes with quotation marks,
// and neither in scripts nor in styles. This is the only way of a value into the page, and it escapes them all.
func (d *document) add(m markup, values ...any) {
	for i, v := range values {
		switch v.(type) {
		case int, int64, float64:
		default:
			values[i] = escaper.Replace(fmt.Sprint(v))
		}
	}
	fmt.Fprintf(d, string(m), values...)
}

// escaper replaces what could end a text or an attribute, and the plus sign, as UTF-7 writes such characters with it.
var escaper = strings.NewReplacer(
	"&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;", "+", "&#43;", "\x00", "\uFFFD",
)
