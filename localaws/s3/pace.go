package s3

import (
	"io"
	"net/http"
	"slices"
	"time"
)

// Pace is how fast S3 serves one request. The zero Pace loses no time.
type Pace struct {
	Latency        time.Duration // before the request is served
	BytesPerSecond float64       // of the request's body and of the response's
}

// behind is how much of the time in which a stream stood still it makes up for, as buffers of a network do.
const behind = 20 * time.Millisecond

// paced lets a request wait for the latency, and limits its streams.
func (s *Service) paced(w http.ResponseWriter, r *http.Request) (http.ResponseWriter, *http.Request) {
	time.Sleep(s.account.Hurry(s.Pace.Latency))
	if s.Pace.BytesPerSecond <= 0 {
		return w, r
	}
	r = r.Clone(r.Context())
	if r.Body != nil {
		r.Body = struct {
			io.Reader
			io.Closer
		}{&pacedReader{stream{Service: s}, r.Body}, r.Body}
	}
	return &pacedWriter{stream{Service: s}, w}, r
}

// stream is one direction of a request.
type stream struct {
	*Service
	due time.Time // when the bytes so far may have passed
}

// pass waits until n more bytes may have passed.
func (s *stream) pass(n int) {
	if earliest := time.Now().Add(-behind); s.due.IsZero() {
		s.due = time.Now()
	} else if s.due.Before(earliest) {
		s.due = earliest
	}
	s.due = s.due.Add(s.account.Hurry(time.Duration(float64(n) / s.Pace.BytesPerSecond * float64(time.Second))))
	time.Sleep(time.Until(s.due))
}

type pacedReader struct {
	stream
	io.Reader
}

func (r *pacedReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.pass(n)
	return n, err
}

type pacedWriter struct {
	stream
	http.ResponseWriter
}

// Write flushes each piece, so that the client sees it when it is due.
func (w *pacedWriter) Write(p []byte) (n int, _ error) {
	for piece := range slices.Chunk(p, 32<<10) {
		w.pass(len(piece))
		m, err := w.ResponseWriter.Write(piece)
		if n += m; err != nil {
			return n, err
		}
		_ = http.NewResponseController(w.ResponseWriter).Flush() // a writer that can't shows all in the end
	}
	return n, nil
}

// Unwrap lets http.ResponseController reach the connection.
func (w *pacedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
