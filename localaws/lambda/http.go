package lambda

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"userdrop/localaws/wire"
)

// ServeHTTP serves Lambda's REST API: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

func (s *Service) routes() *http.ServeMux {
	mux := http.NewServeMux()
	handle := func(name, pattern string, operation func(http.ResponseWriter, *http.Request) error) {
		if name != "" {
			s.operations = append(s.operations, name)
		}
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("X-Amzn-RequestId", wire.RequestID(r.Context()))
			if err := operation(w, r); err != nil {
				writeError(w, wire.AsError(err))
			}
		})
	}
	handle("ListFunctions", "GET /2015-03-31/functions", s.listFunctions)
	handle("", "GET /2015-03-31/functions/{$}", s.listFunctions)
	handle("GetFunction", "GET /2015-03-31/functions/{name}", s.getFunction)
	handle("GetFunctionConfiguration", "GET /2015-03-31/functions/{name}/configuration", s.getFunctionConfiguration)
	handle("Invoke", "POST /2015-03-31/functions/{name}/invocations", s.serveInvoke)
	handle("", "/", func(_ http.ResponseWriter, r *http.Request) error {
		return &wire.Error{
			Code: "UnknownOperationException", Status: http.StatusNotFound,
			Message: "the local double does not know the Lambda operation " + r.Method + " " + r.URL.Path,
		}
	})
	return mux
}

func writeError(w http.ResponseWriter, e *wire.Error) {
	status := max(e.Status, http.StatusBadRequest)
	if e.Code == "AccessDeniedException" {
		status = http.StatusForbidden
	}
	answer := map[string]any{"Type": "User", "Message": e.Message}
	maps.Copy(answer, e.Fields)
	w.Header().Set("X-Amzn-ErrorType", e.Code)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

func (s *Service) serveInvoke(w http.ResponseWriter, r *http.Request) error {
	for _, header := range []string{"X-Amz-Tenant-Id", "X-Amz-Durable-Execution-Name"} {
		if r.Header.Get(header) != "" {
			return wire.Errorf("InvalidParameterValueException", "the local double does not know the header %s", header)
		}
	}
	limit := maxSyncPayload
	kind := r.Header.Get("X-Amz-Invocation-Type")
	switch kind {
	case "", "RequestResponse", "DryRun":
	case "Event":
		limit = maxAsyncPayload
	default:
		return wire.Errorf("InvalidParameterValueException", "InvocationType %q is not valid", kind)
	}
	payload, err := io.ReadAll(io.LimitReader(r.Body, int64(limit)+1))
	if err != nil {
		return wire.Errorf("InvalidRequestContentException", "reading the payload: %v", err)
	}
	req, err := s.admit(r.Context(), r.PathValue("name"), r.URL.Query().Get("Qualifier"), payload, limit)
	if err != nil {
		return err
	}
	if encoded := r.Header.Get("X-Amz-Client-Context"); encoded != "" {
		req.clientContext, err = base64.StdEncoding.DecodeString(encoded)
		if err != nil || !json.Valid(req.clientContext) {
			return wire.Errorf("InvalidRequestContentException", "Client context must be a valid Base64-encoded JSON object.")
		}
	}
	switch kind {
	case "DryRun":
		w.WriteHeader(http.StatusNoContent)
		return nil
	case "Event":
		accepted, err := s.queue(req)
		if err != nil {
			return err
		}
		w.WriteHeader(accepted.StatusCode)
		return nil
	}
	result, err := s.run(r.Context(), req)
	if err != nil {
		return err
	}
	w.Header().Set("X-Amz-Executed-Version", result.Version)
	if result.FunctionError != "" {
		w.Header().Set("X-Amz-Function-Error", result.FunctionError)
	}
	if r.Header.Get("X-Amz-Log-Type") == "Tail" {
		w.Header().Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString([]byte(result.LogTail)))
	}
	w.WriteHeader(result.StatusCode)
	_, _ = w.Write(result.Payload)
	return nil
}

// configuration is the shape FunctionConfiguration.
type configuration struct {
	FunctionName     string
	FunctionArn      string
	Runtime          string
	Role             string
	Handler          string
	Timeout          int
	MemorySize       int
	Version          string
	PackageType      string
	State            string
	LastUpdateStatus string
	Environment      struct{ Variables map[string]string }
	LoggingConfig    struct{ LogFormat, LogGroup string }
}

func (s *Service) describe(f *function, arn, version string) configuration {
	c := configuration{
		FunctionName: f.Name, FunctionArn: arn, Runtime: "provided.al2023", Role: f.RoleARN, Handler: "bootstrap",
		Timeout: int(f.Timeout.Seconds()), MemorySize: f.MemoryMB, Version: version, PackageType: "Zip",
		State: "Active", LastUpdateStatus: "Successful",
	}
	c.Environment.Variables = f.Environment
	c.LoggingConfig.LogFormat, c.LoggingConfig.LogGroup = f.LogFormat, f.LogGroup
	return c
}

func (s *Service) configurationOf(r *http.Request, action string) (configuration, error) {
	f, arn, version, err := s.find(r.PathValue("name"), r.URL.Query().Get("Qualifier"))
	if denied := wire.Authorize(r.Context(), action, arn, nil); denied != nil {
		return configuration{}, denied
	}
	if err != nil {
		return configuration{}, err
	}
	return s.describe(f, arn, version), nil
}

func (s *Service) getFunctionConfiguration(w http.ResponseWriter, r *http.Request) error {
	c, err := s.configurationOf(r, "lambda:GetFunctionConfiguration")
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(c)
}

func (s *Service) getFunction(w http.ResponseWriter, r *http.Request) error {
	c, err := s.configurationOf(r, "lambda:GetFunction")
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(struct{ Configuration configuration }{c})
}

func (s *Service) listFunctions(w http.ResponseWriter, r *http.Request) error {
	if err := wire.Authorize(r.Context(), "lambda:ListFunctions", "*", nil); err != nil {
		return err
	}
	query := r.URL.Query()
	for _, parameter := range []string{"FunctionVersion", "MasterRegion"} {
		if query.Has(parameter) {
			return wire.Errorf("InvalidParameterValueException", "the local double does not know the parameter %s", parameter)
		}
	}
	limit := 50
	if text := query.Get("MaxItems"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return wire.Errorf("InvalidParameterValueException", "MaxItems %q is not valid", text)
		}
		limit = min(limit, n)
	}
	s.mu.Lock()
	functions := maps.Clone(s.functions)
	s.mu.Unlock()
	answer := struct {
		Functions  []configuration
		NextMarker string `json:",omitempty"`
	}{Functions: []configuration{}}
	for _, name := range slices.Sorted(maps.Keys(functions)) {
		switch {
		case name <= query.Get("Marker"):
		case len(answer.Functions) == limit:
			answer.NextMarker = answer.Functions[limit-1].FunctionName
			return json.NewEncoder(w).Encode(answer)
		default:
			arn := s.account.ARN("lambda", "function:"+name)
			answer.Functions = append(answer.Functions, s.describe(functions[name], arn, latest))
		}
	}
	return json.NewEncoder(w).Encode(answer)
}
