package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"userdrop"
	"userdrop/internal/localaws"
	"userdrop/internal/localaws/cognito"
	"userdrop/internal/localaws/lambda"
	"userdrop/internal/localaws/s3"
	"userdrop/internal/result"
	"userdrop/internal/workflow"
)

// Function is what was measured of one function.
type Function struct {
	Name        string  `json:"name"`
	ZippedMB    float64 `json:"zippedMB"`         // built for arm64, as deployed
	ColdStartMS float64 `json:"coldStartMS"`      // from the start of the process to its first look for work
	PeakMB      float64 `json:"peakMB,omitempty"` // resident, after the work
	Work        string  `json:"work,omitempty"`
}

const rounds = 5

// measure builds each function as it is deployed for its size, and starts the one for this machine for its times.
func measure(dir string) ([]Function, error) {
	folders, err := os.ReadDir("functions")
	if err != nil {
		return nil, err
	}
	var all []Function
	for _, folder := range folders {
		f := Function{Name: folder.Name()}
		if f.ZippedMB, err = zipped(f.Name); err != nil {
			return nil, err
		}
		var starts []float64
		for range rounds {
			p, err := start(filepath.Join(dir, f.Name, "bootstrap"), nil, nil)
			if err != nil {
				return nil, err
			}
			starts = append(starts, p.cold.Seconds()*1000)
			p.stop()
		}
		slices.Sort(starts)
		f.ColdStartMS = starts[len(starts)/2]
		all = append(all, f)
	}
	for _, work := range []func(string) (Function, error){copyWork, prepareWork} {
		f, err := work(dir)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(all, func(g Function) bool { return g.Name == f.Name })
		all[i].PeakMB, all[i].Work = f.PeakMB, f.Work
	}
	return all, nil
}

func zipped(name string) (float64, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "bootstrap")
	_, err = command([]string{"CGO_ENABLED=0", "GOOS=linux", "GOARCH=arm64"},
		"go", "build", "-tags=lambda.norpc", "-trimpath", "-ldflags=-s", "-o", binary, "./functions/"+name)
	if err != nil {
		return 0, err
	}
	text, err := os.ReadFile(binary)
	if err != nil {
		return 0, err
	}
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	w, err := z.Create("bootstrap")
	if err != nil {
		return 0, err
	}
	if _, err := w.Write(text); err != nil {
		return 0, err
	}
	return float64(archive.Len()) / 1e6, errors.Join(err, z.Close())
}

// process is a bootstrap that runs under a Runtime API of its own.
type process struct {
	cmd    *exec.Cmd
	cold   time.Duration
	events chan []byte
	done   chan []byte
	server *http.Server
}

// start runs a bootstrap until it asks for its first event.
func start(binary string, environment map[string]string, log io.Writer) (*process, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &process{events: make(chan []byte), done: make(chan []byte, 1)}
	ready := make(chan struct{}, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case ready <- struct{}{}:
		default:
		}
		select {
		case event := <-p.events:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "bench")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(15*time.Minute).UnixMilli()))
			w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:bench")
			_, _ = w.Write(event)
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("POST /2018-06-01/runtime/", func(w http.ResponseWriter, r *http.Request) {
		answer, _ := io.ReadAll(r.Body)
		if !strings.HasSuffix(r.URL.Path, "/response") {
			answer = append([]byte("error: "), answer...)
		}
		w.WriteHeader(http.StatusAccepted)
		p.done <- answer
	})
	p.server = &http.Server{Handler: mux} //nolint:gosec // it serves one process of our own
	go func() { _ = p.server.Serve(listener) }()
	p.cmd = exec.Command(binary)
	p.cmd.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + listener.Addr().String(), "AWS_LAMBDA_FUNCTION_NAME=bench", "AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY=secret", "STACK_NAME=bench",
	}
	for name, value := range defaults {
		if _, ok := environment[name]; !ok {
			p.cmd.Env = append(p.cmd.Env, name+"="+value)
		}
	}
	for name, value := range environment {
		p.cmd.Env = append(p.cmd.Env, name+"="+value)
	}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w (make build makes it)", err)
	}
	select {
	case <-ready:
		p.cold = time.Since(began)
	case answer := <-p.done:
		p.stop()
		return nil, fmt.Errorf("%s: %s", binary, answer)
	case <-time.After(30 * time.Second):
		p.stop()
		return nil, fmt.Errorf("%s does not ask for work", binary)
	}
	return p, nil
}

// defaults are enough for each function to start.
var defaults = map[string]string{
	"INBOX_BUCKET": "inbox", "WORK_BUCKET": "work", "RESULTS_BUCKET": "results", "EVENT_BUS_NAME": "default",
	"USER_POOL_ARNS":   "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_Bench",
	"IMPORT_USERS_ARN": "arn:aws:states:us-east-1:123456789012:stateMachine:import-users", "IMPORT_JOB_ARN": "arn",
	"ABORT_IMPORT_ARN": "arn", "RESULT_TOPIC_ARN": "arn", "CLOUDWATCH_LOGS_ROLE_ARN": "arn", "ASSUME_VERIFIED": "none",
	"MAX_REJECTED_PERCENT": "100", "MAX_IMPORT_DAYS": "90", "MAX_WAIT_FOR_OTHERS_DAYS": "14", "SCHEDULE_TIMEZONE": "UTC",
	"CHECK_EXISTING_USERS": "false",
}

// work hands the process an event, and answers its peak of resident memory in MB when it is done.
func (p *process) work(event any) (float64, []byte, error) {
	text, err := json.Marshal(event)
	if err != nil {
		return 0, nil, err
	}
	p.events <- text
	answer := <-p.done
	if bytes.HasPrefix(answer, []byte("error: ")) {
		return 0, nil, errors.New(string(answer))
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, answer, nil // no such thing on this system
	}
	if err != nil {
		return 0, nil, err
	}
	for line := range strings.Lines(string(status)) {
		var kB float64
		if _, err := fmt.Sscanf(line, "VmHWM: %f kB", &kB); err == nil {
			return kB * 1024 / 1e6, answer, nil
		}
	}
	return 0, answer, nil
}

func (p *process) stop() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	_ = p.server.Close()
}

// stand is a double over a network, with a pool, for a function to work with.
func stand() (*localaws.Double, string, func(), error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", nil, err
	}
	endpoint := "http://" + listener.Addr().String()
	const pool = `{"UserPool": {"Id": "us-east-1_Bench", "Name": "bench", "AutoVerifiedAttributes": ["email"],
		"SchemaAttributes": [{"Name": "email", "AttributeDataType": "String", "Mutable": true}]}}`
	d, err := localaws.Boot(localaws.Options{
		Deployed: userdrop.Deployed, Pools: []localaws.Pool{{Description: []byte(pool)}}, Cognito: cognito.Defaults(),
		Endpoint: endpoint,
		Code:     func(string, map[string]string) lambda.Code { return lambda.Bootstrap("none") },
	})
	if err != nil {
		return nil, "", nil, err
	}
	server := &http.Server{Handler: d} //nolint:gosec // it serves processes of our own
	go func() { _ = server.Serve(listener) }()
	return d, endpoint, func() { _ = server.Close(); d.Close() }, nil
}

// environment is a function's, as the template has it, pointed at the double.
func environment(d *localaws.Double, folder, endpoint string) map[string]string {
	e := map[string]string{"AWS_ENDPOINT_URL": endpoint}
	for _, f := range d.Stack.Functions {
		if strings.HasSuffix(f.CodeURI, "/"+folder) {
			for name, value := range f.Environment {
				e[name] = value
			}
		}
	}
	return e
}

const header = "username,email,email_verified\n"

// lines is a file of the given size.
func lines(size int64) s3.Source {
	row := func(n int) string { return fmt.Sprintf("user%09d,user%09d@example.com,yes\n", n, n) }
	rows := (size - int64(len(header))) / int64(len(row(0)))
	return s3.Source{Size: int64(len(header)) + rows*int64(len(row(0))), ETag: "bench", Open: func() io.Reader {
		r, w := io.Pipe()
		go func() {
			var b bytes.Buffer
			b.WriteString(header)
			for n := range int(rows) {
				b.WriteString(row(n))
				if b.Len() > 1<<16 || n == int(rows)-1 {
					if _, err := w.Write(b.Bytes()); err != nil {
						return
					}
					b.Reset()
				}
			}
			_ = w.Close()
		}()
		return r
	}}
}

// copyWork streams a part of 100 MB.
func copyWork(dir string) (Function, error) {
	f := Function{Name: "copy-to-import-job", Work: "100 MB"}
	d, endpoint, end, err := stand()
	if err != nil {
		return f, err
	}
	defer end()
	source := lines(100_000_000)
	version, err := d.S3.PutSource("userdrop-work", "part.csv", source)
	if err != nil {
		return f, err
	}
	created, err := createJob(d)
	if err != nil {
		return f, err
	}
	p, err := start(filepath.Join(dir, f.Name, "bootstrap"), environment(d, f.Name, endpoint), io.Discard)
	if err != nil {
		return f, err
	}
	defer p.stop()
	var answer []byte
	f.PeakMB, answer, err = p.work(workflow.ImportJob{
		Schema: workflow.Schema, ImportID: "bench-0", UserPoolID: "us-east-1_Bench", Part: 1, Attempt: 1, Job: created,
		Object: workflow.Object{Bucket: "userdrop-work", Key: "part.csv", VersionID: version, Bytes: source.Size},
	})
	if err == nil && !bytes.Contains(answer, []byte(`"uploaded":true`)) {
		err = fmt.Errorf("the part is not uploaded: %s", answer)
	}
	return f, err
}

// prepareWork prepares a drop of 1 GB.
func prepareWork(dir string) (Function, error) {
	f := Function{Name: "prepare-import"}
	d, endpoint, end, err := stand()
	if err != nil {
		return f, err
	}
	defer end()
	source := lines(1_000_000_000)
	version, err := d.S3.PutSource("userdrop-inbox", "waiting/users.csv", source)
	if err != nil {
		return f, err
	}
	p, err := start(filepath.Join(dir, f.Name, "bootstrap"), environment(d, f.Name, endpoint), io.Discard)
	if err != nil {
		return f, err
	}
	defer p.stop()
	began := time.Now()
	f.PeakMB, _, err = p.work(workflow.Drop{
		Schema: workflow.Schema, ImportID: "bench-1", UserPoolID: "us-east-1_Bench", Mode: result.Import,
		Source: workflow.Object{Bucket: "userdrop-inbox", Key: "waiting/users.csv", VersionID: version, Bytes: source.Size},
	})
	rows := (source.Size - int64(len(header))) / 43
	f.Work = fmt.Sprintf("1 GB, %d million rows, %.0f s with the double on the same machine; the bar is %d MB",
		rows/1_000_000, time.Since(began).Seconds(), 64+24*rows/1_000_000)
	return f, err
}

// createJob makes an import job to copy to.
func createJob(d *localaws.Double) (workflow.Job, error) {
	client := cognitoidentityprovider.NewFromConfig(d.Config(""))
	out, err := client.CreateUserImportJob(context.Background(), &cognitoidentityprovider.CreateUserImportJobInput{
		JobName: aws.String("bench"), UserPoolId: aws.String("us-east-1_Bench"),
		CloudWatchLogsRoleArn: aws.String(environment(d, "create-import-job", "")["CLOUDWATCH_LOGS_ROLE_ARN"]),
	})
	if err != nil {
		return workflow.Job{}, err
	}
	return workflow.Job{ID: *out.UserImportJob.JobId, Name: *out.UserImportJob.JobName, Status: "Created"}, nil
}
