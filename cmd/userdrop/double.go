package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/spf13/pflag"

	"userdrop/internal/local"
	"userdrop/localaws"
	"userdrop/localaws/cognito"
	"userdrop/localaws/events"
	"userdrop/localaws/lambda"
	"userdrop/localaws/template"
)

// The credentials that clients use with the double, which takes any.
const (
	localKeyID  = "userdrop"
	localSecret = "local"
)

// doubleOptions are the flags of the commands that run the local double.
type doubleOptions struct {
	pools     []string
	speed     float64
	settings  string
	functions string
	set       []string                                       // KEY=VALUE
	observe   func(event events.Envelope)                    // for each event of the bus
	calls     func(localaws.Call, http.Handler) http.Handler // a test stands before the calls of services
}

func (o *doubleOptions) define(flags *pflag.FlagSet, speed float64) {
	flags.Float64Var(&o.speed, "speed", speed, "run jobs and pass waits `N` times as fast as AWS")
	flags.StringVar(&o.settings, "settings", "",
		"a JSON `FILE` with answers to what AWS does not document (see docs/limits.md)")
	flags.StringArrayVar(&o.set, "parameter", nil,
		"set a parameter of the template, `KEY=VALUE`, as in \"sam deploy\" (may repeat)")
	flags.StringVar(&o.functions, "functions", "",
		"run `DIR`/FUNCTION/bootstrap as the functions (default: this program acts as each)")
}

// boot starts the double and serves it at an address, until closeAll is called.
func (o *doubleOptions) boot(listen string) (d *localaws.Double, endpoint string, closeAll func(), err error) {
	if !(o.speed > 0 && o.speed <= math.MaxFloat64) { // nor is NaN
		return nil, "", nil, fmt.Errorf("--speed %g is no number above 0", o.speed)
	}
	pools, err := o.readPools()
	if err != nil {
		return nil, "", nil, err
	}
	settings, err := o.readSettings()
	if err != nil {
		return nil, "", nil, err
	}
	parameters, err := o.parameters()
	if err != nil {
		return nil, "", nil, err
	}
	code, err := o.code()
	if err != nil {
		return nil, "", nil, err
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, "", nil, fmt.Errorf("can't listen at %s: %s (choose another address with --listen)", listen,
			lastLink(err))
	}
	endpoint = "http://" + reachable(listener.Addr().(*net.TCPAddr))
	d, err = local.Boot(localaws.Options{
		Parameters: parameters, Pools: pools, Code: code, Endpoint: endpoint, Cognito: settings,
		Speed: o.speed, Seed: uint64(time.Now().UnixNano()), Observe: o.observe, Calls: o.calls,
	})
	if err != nil {
		_ = listener.Close()
		return nil, "", nil, fmt.Errorf("the local double does not start: %w", err)
	}
	server := d.Server()
	go func() { _ = server.Serve(listener) }()
	return d, endpoint, func() { d.Close(); _ = server.Close() }, nil
}

// reachable returns the address of a listener for its clients, as an IP address: SDKs put a bucket's name in front of a
// host name. For a listener at all addresses it returns one that containers reach too, which it finds by the route to
// another network: connecting by UDP sends nothing.
func reachable(a *net.TCPAddr) string {
	if !a.IP.IsUnspecified() {
		return a.String()
	}
	ip := net.IPv4(127, 0, 0, 1)
	if c, err := net.Dial("udp", "192.0.2.1:9"); err == nil { // an address that nobody has: RFC 5737
		ip = c.LocalAddr().(*net.UDPAddr).IP
		_ = c.Close()
	}
	return (&net.TCPAddr{IP: ip, Port: a.Port}).String()
}

func (o *doubleOptions) readPools() ([]localaws.Pool, error) {
	var pools []localaws.Pool
	for _, name := range o.pools {
		if _, err := readPool(name, ""); err != nil { // the rules tell what is wrong with the file
			return nil, err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		pools = append(pools, localaws.Pool{Description: text})
	}
	return pools, nil
}

// parameters reads the parameters of the template that flags set. The template refuses names and values that it does
// not know.
func (o *doubleOptions) parameters() (map[string]string, error) {
	parameters := map[string]string{}
	for _, pair := range o.set {
		name, value, ok := strings.Cut(pair, "=")
		if _, twice := parameters[name]; !ok || name == "" || twice {
			return nil, fmt.Errorf("--parameter %s: give each parameter once, as KEY=VALUE", pair)
		}
		parameters[name] = value
	}
	return parameters, nil
}

func (o *doubleOptions) readSettings() (cognito.Settings, error) {
	settings := cognito.Defaults()
	if o.settings == "" {
		return settings, nil
	}
	text, err := os.ReadFile(o.settings)
	if err != nil {
		return settings, err
	}
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.DisallowUnknownFields()
	if err := errors.Join(decoder.Decode(&settings), settings.Validate()); err != nil {
		return settings, fmt.Errorf("%s: %w", printable(o.settings, 200), err)
	}
	return settings, nil
}

// code returns how the functions run: each from its own executable, or all by this program.
func (o *doubleOptions) code() (func(*template.Function) lambda.Code, error) {
	if o.functions != "" {
		if _, err := os.Stat(o.functions); err != nil {
			return nil, err
		}
		return func(f *template.Function) lambda.Code {
			return lambda.Bootstrap(filepath.Join(o.functions, local.Folder(f), "bootstrap"))
		}, nil
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return func(f *template.Function) lambda.Code {
		f.Environment[functionVariable] = local.Folder(f)
		return lambda.Bootstrap(self)
	}, nil
}

// localConfig returns the configuration of a client of a double, whatever the user's AWS settings are.
func localConfig(d *localaws.Double, endpoint string) aws.Config {
	return aws.Config{
		Region: d.Account.Region, BaseEndpoint: aws.String(endpoint),
		Credentials: credentials.NewStaticCredentialsProvider(localKeyID, localSecret, ""),
	}
}

// lastLink is the last part of an error's text, which alone helps people.
func lastLink(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 {
		return text[i+2:]
	}
	return text
}
