package localaws

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"userdrop/localaws/cognito"
	"userdrop/localaws/s3"
	"userdrop/localaws/tempdir"
	"userdrop/localaws/wire"
)

// Limits of the server. S3 and upload URLs bound their bodies as AWS does.
const (
	headerPatience = 10 * time.Second // for a request's header
	bodyPatience   = time.Minute      // between two pieces of a body
	idlePatience   = 2 * time.Minute  // between two requests of a connection
	maxHeader      = 64 << 10
	maxBody        = 16 << 20
)

// Server returns a server of the double with limits for slow clients and large headers; the caller sets its Addr, or
// gives it a listener. What earlier servers that were killed left in the temporary directory is removed.
func (d *Double) Server() *http.Server {
	tempdir.Clean(d.S3.SpoolDir, s3.SpoolName)
	tempdir.Clean("", cognito.SpoolName)
	return &http.Server{
		Handler: d, ReadHeaderTimeout: headerPatience, IdleTimeout: idlePatience, MaxHeaderBytes: maxHeader,
	}
}

// ServeHTTP is the one endpoint of all services. A request's signature names the service that it is for; an unsigned
// one is for S3. Signatures are not checked, but a key of a session decides what the caller may do.
//
// Web pages must not drive the double: a request for another host, from another origin, or an unsigned one of a browser
// is refused.
func (d *Double) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := wire.WithRequestID(r.Context(), d.Account.IDs.UUID())
	r = r.WithContext(ctx)
	call := Call{Service: scope(r), Operation: r.Method}
	if _, name, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok {
		call.Operation = name
	}
	signed := call.Service != ""
	if cognito.IsUpload(r) {
		call.Service, signed = "upload", r.URL.Query().Has("X-Amz-Signature")
	} else if !signed {
		call.Service = "s3"
	}
	if err := d.refuseBrowsers(r, call.Service, signed); err != nil {
		wire.Fail(w, r, call.Service, err)
		return
	}
	if signed && call.Service != "upload" {
		caller, err := d.keys.Caller(r)
		if err != nil {
			wire.Fail(w, r, call.Service, err)
			return
		}
		call.Principal = caller
		r = r.WithContext(wire.WithPrincipal(ctx, caller))
	}
	if call.Service != "s3" && call.Service != "upload" {
		if r.ContentLength > maxBody {
			wire.Fail(w, r, call.Service, &wire.Error{
				Code: "RequestEntityTooLarge", Status: http.StatusRequestEntityTooLarge,
				Message: fmt.Sprintf("the local double takes bodies of at most %d bytes", maxBody),
			})
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	}
	d.serve(w, r, call)
}

func (d *Double) serve(w http.ResponseWriter, r *http.Request, call Call) {
	service, ok := d.services[call.Service]
	if !ok {
		wire.Fail(w, r, call.Service, &wire.Error{
			Code: "UnknownOperationException", Status: http.StatusNotImplemented,
			Message: fmt.Sprintf("the local double does not have the service %q", call.Service),
		})
		return
	}
	handler := http.Handler(service)
	if d.calls != nil {
		handler = d.calls(call, handler)
	}
	patient := &patientBody{ReadCloser: r.Body, connection: http.NewResponseController(w)}
	defer patient.wait(0)
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = patient
	}
	handler.ServeHTTP(w, r)
}

// patientBody gives the client some time for each piece of a body, rather than for all of it.
type patientBody struct {
	io.ReadCloser
	connection *http.ResponseController
}

func (b *patientBody) Read(p []byte) (int, error) {
	b.wait(bodyPatience)
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.wait(0) // the function behind the call may take as long as it likes
	}
	return n, err
}

// wait sets the connection's deadline; 0 removes it. There is no connection in tests without a network.
func (b *patientBody) wait(d time.Duration) {
	var deadline time.Time
	if d > 0 {
		deadline = time.Now().Add(d)
	}
	_ = b.connection.SetReadDeadline(deadline)
}

// scope returns the service in the credential scope of a request's signature,
// Credential=<key>/<date>/<region>/<service>/aws4_request, or "". Signature Version 2 is S3's alone.
func scope(r *http.Request) string {
	authorization := r.Header.Get("Authorization")
	query := r.URL.Query()
	if strings.HasPrefix(authorization, "AWS ") || query.Has("AWSAccessKeyId") {
		return "s3"
	}
	credential := query.Get("X-Amz-Credential")
	if _, after, ok := strings.Cut(authorization, "Credential="); ok {
		credential, _, _ = strings.Cut(after, ",")
	}
	parts := strings.Split(credential, "/")
	if len(parts) < 5 {
		return ""
	}
	return parts[len(parts)-2]
}

// refuseBrowsers returns an error for a request that a web page may have caused: one for a host that is not the
// double's own, as after DNS rebinding; one from another origin; an unsigned one with a header that only browsers send.
func (d *Double) refuseBrowsers(r *http.Request, service string, signed bool) error {
	host := r.Host
	if host == "" {
		host = r.URL.Host
	}
	if !d.ownHost(host, service) {
		return refused("the host %q is not the local double's: it answers for localhost, loopback addresses, its own "+
			"address, and the virtual-hosted names of its buckets", host)
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		if u, err := url.Parse(origin); err != nil || u.Host == "" || !strings.EqualFold(u.Host, host) {
			return refused("requests from the origin %q are refused", origin)
		}
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
		return refused("requests from another site are refused")
	}
	if !signed && fromBrowser(r) {
		return refused("unsigned requests from browsers are refused: sign the request, for example by \"aws s3 presign\"")
	}
	return nil
}

func refused(format string, args ...any) error {
	return &wire.Error{Code: "AccessDenied", Status: http.StatusForbidden, Message: fmt.Sprintf(format, args...)}
}

// fromBrowser reports whether the request carries a header that only browsers send.
func fromBrowser(r *http.Request) bool {
	for _, name := range []string{
		"Origin", "Referer", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Sec-Fetch-User", "Sec-Ch-Ua",
	} {
		if r.Header.Get(name) != "" {
			return true
		}
	}
	return strings.HasPrefix(r.UserAgent(), "Mozilla/")
}

// ownHost reports whether the host, with or without a port, is a name of the double. Names below localhost are only
// S3's: a bucket that is not there yet may be created by one.
func (d *Double) ownHost(host, service string) bool {
	name := strings.ToLower(hostname(host))
	if ip := net.ParseIP(name); name == "localhost" || ip != nil && ip.IsLoopback() {
		return true
	}
	if u, err := url.Parse(d.endpoint); err == nil && name == strings.ToLower(u.Hostname()) {
		return true
	}
	switch service {
	case "s3":
		return strings.HasSuffix(name, ".localhost") || d.S3.OwnHost(name)
	case "upload":
		return d.Cognito.OwnHost(name)
	}
	return false
}

// hostname returns a host without its port and without the brackets of an IPv6 address.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.TrimSuffix(strings.Trim(host, "[]"), ".")
}
