package main

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// columns is the width of the terminal behind w: COLUMNS if it is set, else what the terminal says, else 80.
func columns(w any) int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	if f, ok := w.(*os.File); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 0 {
			return n
		}
	}
	return 80
}

// addHelpFunctions adds the functions of the help's templates to cobra, which has one set of them for all commands.
var addHelpFunctions = sync.OnceFunc(func() {
	width := func(c *cobra.Command) int { return min(max(columns(c.OutOrStdout()), 20), 110) }
	cobra.AddTemplateFunc("wrapText", func(c *cobra.Command, text string) string { return wrapText(text, width(c)) })
	cobra.AddTemplateFunc("wrapFlags", func(c *cobra.Command, local bool) string {
		flags := c.InheritedFlags()
		if local {
			flags = c.LocalFlags()
		}
		return strings.TrimRight(wrapFlags(flags, width(c)), "\n")
	})
	cobra.AddTemplateFunc("wrapCommand", func(c *cobra.Command, name, short string, padding int) string {
		line := "  " + name + strings.Repeat(" ", max(padding-len(name), 0)) + " "
		return hang(line, short, min(padding+3, 6+width(c)/3), width(c))
	})
})

// wrapHelp has the help of all commands fit the terminal.
func wrapHelp(root *cobra.Command) {
	addHelpFunctions()
	usage := root.UsageTemplate()
	usage = strings.ReplaceAll(usage, "  {{rpad .Name .NamePadding }} {{.Short}}",
		"{{wrapCommand $ .Name .Short .NamePadding}}")
	usage = strings.ReplaceAll(usage, "{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}", "{{wrapFlags . true}}")
	usage = strings.ReplaceAll(usage, "{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}", "{{wrapFlags . false}}")
	usage = strings.ReplaceAll(usage, `Use "{{.CommandPath}} [command] --help" for more information about a command.`,
		`{{wrapText . (printf "Use \"%s COMMAND --help\" for the help of a command." .CommandPath)}}`)
	usage = strings.ReplaceAll(usage, "{{.Title}}", "{{wrapText $ .Title}}")
	root.SetUsageTemplate(usage)
	root.SetHelpTemplate(`{{with (or .Long .Short)}}{{wrapText $ .}}

{{end}}{{if or .Runnable .HasSubCommands}}{{.UsageString}}{{end}}`)
}

// wrapFlags lists flags, each with its text beside it where there is room, else below it.
func wrapFlags(flags *pflag.FlagSet, width int) string {
	if width >= 60 {
		return flags.FlagUsagesWrapped(width)
	}
	var b strings.Builder
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		name, usage := pflag.UnquoteUsage(f)
		head := "  --" + f.Name
		if f.Shorthand != "" {
			head = "  -" + f.Shorthand + ", --" + f.Name
		}
		b.WriteString(strings.TrimRight(head+" "+name, " ") + "\n" + hang("    ", usage, 4, width) + "\n")
	})
	return b.String()
}

// wrapText breaks paragraphs, which blank lines or indented lines end, into lines of at most a width.
func wrapText(text string, width int) string {
	var out []string
	var words []string
	flush := func() {
		if len(words) > 0 {
			out = append(out, hang("", strings.Join(words, " "), 0, width))
			words = nil
		}
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if line == "" || strings.HasPrefix(line, " ") {
			flush()
			out = append(out, line)
			continue
		}
		words = append(words, strings.Fields(line)...)
	}
	flush()
	return strings.Join(out, "\n")
}

// hang writes text after a first word, in lines of at most a width, the later ones indented.
func hang(first, text string, indent, width int) string {
	line := first
	used := utf8.RuneCountInString(first)
	var b strings.Builder
	empty := true
	for word := range strings.FieldsSeq(text) {
		n := utf8.RuneCountInString(word)
		if !empty && used+1+n > width || empty && used+n > width && used > indent {
			b.WriteString(strings.TrimRight(line, " ") + "\n")
			line, used, empty = strings.Repeat(" ", indent), indent, true
		}
		if !empty {
			line += " "
			used++
		}
		line += word
		used += n
		empty = false
	}
	b.WriteString(line)
	return b.String()
}
