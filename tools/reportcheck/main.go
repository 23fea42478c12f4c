// Command reportcheck opens the report in headless Chromium and proves what a reader relies on: nothing is loaded and
// nothing complains, the text has contrast in both themes and is large enough, and a phone needs no sideways scrolling.
// It leaves the reports and their screenshots in a directory, to be looked at.
package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"userdrop/internal/report"
	"userdrop/internal/report/sample"
)

// inspect answers with the page's faults. It runs by the DevTools protocol, which the page's policy does not bind.
//
//go:embed inspect.js
var inspect string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	out := flag.String("out", "out/report", "directory of the reports and screenshots")
	browser := flag.String("chromium", os.Getenv("CHROMIUM"), "path of the browser; empty looks on PATH")
	flag.Parse()
	if err := run(ctx, *out, *browser); err != nil {
		fmt.Fprintln(os.Stderr, "reportcheck:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out, browser string) error {
	out, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	profile, err := os.MkdirTemp("", "reportcheck-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(profile)

	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.UserDataDir(profile), chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("hide-scrollbars", true))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium has no sandbox for root
	}
	if browser != "" {
		options = append(options, chromedp.ExecPath(browser))
	}
	ctx, cancel := chromedp.NewExecAllocator(ctx, options...)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()

	w := &watcher{}
	if err := chromedp.Listen(ctx, w.see); err != nil {
		return err
	}
	var faults []error
	for _, s := range sample.All() {
		found, err := check(ctx, w, out, s)
		if err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		for _, f := range found {
			faults = append(faults, fmt.Errorf("%s: %s", s.Name, f))
		}
		fmt.Printf("%-14s %d faults\n", s.Name, len(found))
	}
	fmt.Println("screenshots in", out)
	return errors.Join(faults...)
}

// theme is one way to look at a report.
type theme struct {
	name, scheme string
	width        int64
	phone        bool
}

var themes = []theme{
	{"light", "light", 1100, false},
	{"dark", "dark", 1100, false},
	{"phone", "light", 360, true},
	{"phone-dark", "dark", 360, true},
}

// check looks at one report in every theme, and returns its faults.
func check(ctx context.Context, w *watcher, out string, s sample.Sample) ([]string, error) {
	var page bytes.Buffer
	options := report.ReportOptions{Stack: "userdrop", Docs: "https://docs.example.com/"}
	if err := report.WriteReport(&page, s.Result, options); err != nil {
		return nil, err
	}
	file := filepath.Join(out, s.Name+".html")
	if err := os.WriteFile(file, page.Bytes(), 0o644); err != nil {
		return nil, err
	}
	address := (&url.URL{Scheme: "file", Path: file}).String()
	w.begin(address)
	var faults []string
	for _, t := range themes {
		err := chromedp.Do(ctx,
			call(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
				Width: t.width, Height: 900, DeviceScaleFactor: 1, Mobile: t.phone,
			}),
			call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: t.scheme}},
			}),
			chromedp.Navigate(address))
		if err != nil {
			return nil, err
		}
		found, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](inspect))
		if err != nil {
			return nil, err
		}
		picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100)) // 100 is PNG
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			faults = append(faults, t.name+": "+f)
		}
		if err := os.WriteFile(filepath.Join(out, s.Name+"-"+t.name+".png"), picture, 0o644); err != nil {
			return nil, err
		}
	}
	paper, err := chromedp.Run(ctx, chromedp.PrintToPDF(chromedp.PDFPaper(chromedp.PaperA4),
		chromedp.PDFPrintBackground()))
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(out, s.Name+".pdf"), paper, 0o644); err != nil {
		return nil, err
	}
	return append(faults, w.end()...), nil
}

// call is a command of the protocol as an action.
func call[P any](command cdp.Command[P, cdp.Empty], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, command, params)
		return err
	})
}

// watcher collects what a page must not do.
type watcher struct {
	mu      sync.Mutex
	address string
	faults  []string
}

func (w *watcher) see(event any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if u := e.Request.URL; u != w.address && !strings.HasPrefix(u, "data:") {
			w.faults = append(w.faults, "a request left the file: "+u)
		}
	case *runtime.EventConsoleAPICalled:
		w.faults = append(w.faults, "the console was written to")
	case *runtime.EventExceptionThrown:
		w.faults = append(w.faults, "a script failed: "+e.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		w.faults = append(w.faults, "console: "+e.Entry.Text)
	}
}

func (w *watcher) begin(address string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.address, w.faults = address, nil
}

func (w *watcher) end() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.faults
}
