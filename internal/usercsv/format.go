package usercsv

import (
	"bytes"
	"fmt"
	"regexp"
)

const (
	saveAs  = `Open it in a spreadsheet and choose "Save as", "CSV UTF-8 (comma delimited)".`
	unpack  = "Unpack it and drop the CSV file inside, in UTF-8."
	convert = "Export the users as CSV, or convert the file by a mapping (userdrop convert)."
)

// magics are the first bytes of formats that are not text.
var magics = []struct{ prefix, message string }{
	{"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "The file is an Excel 97-2003 workbook (xls), not a CSV file. " + saveAs},
	{"\x1F\x8B", "The file is compressed with gzip. " + unpack},
	{"BZh", "The file is compressed with bzip2. " + unpack},
	{"\xFD7zXZ\x00", "The file is compressed with xz. " + unpack},
	{"\x28\xB5\x2F\xFD", "The file is compressed with Zstandard. " + unpack},
	{"7z\xBC\xAF\x27\x1C", "The file is a 7-Zip archive. " + unpack},
	{"Rar!\x1A\x07", "The file is a RAR archive. " + unpack},
	{"%PDF", "The file is a PDF document, not a CSV file. Export the table from where it came as CSV UTF-8."},
	{"PAR1", "The file is in Apache Parquet's format, not a CSV file. Export the table as CSV UTF-8."},
	{"SQLite format 3\x00", "The file is an SQLite database, not a CSV file. Export the table as CSV UTF-8."},
}

// bzip2 is what follows the first bytes of bzip2, which alone could be a name.
var bzip2 = []byte("1AY&SY")

// zips are the formats of zip archives, by the name or the text of their first member.
var zips = []struct{ member, message string }{
	{
		"mimetypeapplication/vnd.oasis.opendocument.spreadsheet",
		"The file is an OpenDocument spreadsheet (ods), not a CSV file. " + saveAs,
	},
	{"[Content_Types].xml", "The file is an Excel workbook (xlsx), not a CSV file. " + saveAs},
	{"_rels/", "The file is an Excel workbook (xlsx), not a CSV file. " + saveAs},
	{"xl/", "The file is an Excel workbook (xlsx), not a CSV file. " + saveAs},
	{"Index/", `The file is a Numbers spreadsheet, not a CSV file. Open it in Numbers and choose "Export To", "CSV".`},
}

// binaryFormat recognises a format by a file's first bytes, and says what to do with it; "" if it may be text.
func binaryFormat(first []byte) string {
	for _, m := range magics {
		if bytes.HasPrefix(first, []byte(m.prefix)) &&
			(m.prefix != "BZh" || len(first) > 4 && bytes.HasPrefix(first[4:], bzip2)) {
			return m.message
		}
	}
	for _, end := range []string{"\x03\x04", "\x05\x06", "\x07\x08"} {
		if !bytes.HasPrefix(first, []byte("PK"+end)) {
			continue
		}
		const nameAt = 30 // of a local file header (APPNOTE.TXT, 4.3.7)
		for _, z := range zips {
			if len(first) > nameAt && bytes.HasPrefix(first[nameAt:], []byte(z.member)) {
				return z.message
			}
		}
		return "The file is a zip archive, perhaps an Excel workbook (xlsx), not a CSV file. If it is a workbook, open it " +
			"in a spreadsheet and save it as CSV UTF-8; else unpack it and drop the CSV file inside."
	}
	return ""
}

// longestBeginning is how much of a text is looked at to recognise its format.
const longestBeginning = 64 << 10

var (
	markup = regexp.MustCompile(`^<[\pL!?/]`)
	// page is a text of HTML: its first tag, behind declarations and comments.
	page = regexp.MustCompile(`(?is)^(<[!?][^>]*>\s*)*<(html|head|body|table|meta|title|script|style|div|p|h1|center)\b` +
		`|^<!doctype\s+html`)
	workbookXML = regexp.MustCompile(`(?is)^(<[!?][^>]*>\s*)*<([a-z]+:)?workbook\b`)
	object      = regexp.MustCompile(`^\{\s*["}]`)
	array       = regexp.MustCompile(`^\[\s*[{\]]`)
	ldif        = regexp.MustCompile(`(?i)^(version:[ \t]*\d+[ \t]*[\r\n]\s*)?dn:`)
)

// textFormat recognises a format by how a text begins, and says what to do with it; "" if it may be CSV.
func textFormat(text []byte) string {
	for n := leadingSpace(text); n > 0; n = leadingSpace(text) {
		text = text[n:]
	}
	switch {
	case markup.Match(text):
		switch {
		case page.Match(text):
			return "The file is a web page (HTML), not a CSV file. If it is a table that a program saved under the name of " +
				"a spreadsheet, open it in one and save it as CSV UTF-8; if it is a page of a sign-in or an error, export " +
				"the users again."
		case workbookXML.Match(text):
			return "The file is an Excel workbook in XML, not a CSV file. " + saveAs
		}
		return "The file is XML, not a CSV file. " + convert
	case object.Match(text):
		if line, rest, _ := bytes.Cut(text, []byte("\n")); bytes.HasSuffix(bytes.TrimSpace(line), []byte("}")) &&
			object.Match(bytes.TrimSpace(rest)) {
			return "The file is NDJSON (a JSON object in each line), not a CSV file. " + convert
		}
		return "The file is JSON, not a CSV file. " + convert
	case array.Match(text):
		return "The file is JSON, not a CSV file. " + convert
	case ldif.Match(text):
		return "The file is LDIF, a directory's export, not a CSV file. Export the users as CSV (in Active Directory by " +
			"csvde or Export-Csv)."
	}
	return ""
}

// withNUL is the message for a text with a NUL byte in that line. It recognises UTF-16 by its NULs at every other byte.
func withNUL(line int, around []byte) string {
	even, odd, pairs := 0, 0, len(around)/2
	for i, c := range around {
		switch {
		case c == 0 && i%2 == 0:
			even++
		case c == 0:
			odd++
		}
	}
	if pairs > 1 && max(even, odd) > pairs/2 && min(even, odd) <= pairs/8 {
		return "The text is UTF-16 without a byte order mark. Save the file as CSV UTF-8."
	}
	return fmt.Sprintf("Line %d holds a NUL byte, which no text has. Remove it, or save the file anew as CSV UTF-8.", line)
}
