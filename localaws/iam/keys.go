package iam

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"net/http"
	"strings"
	"sync"

	"userdrop/localaws/wire"
)

var _ wire.Principal = (*Session)(nil)

// Credentials are what AWS STS gives to a session.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string
}

// Keys issues credentials and knows whose they are. The zero value is ready.
type Keys struct {
	mu      sync.Mutex
	holders map[string]wire.Principal
}

// Issue returns the principal's credentials. They come from its ARN alone, so that a run can be repeated whatever the
// order of its sessions; nothing outside the double takes them.
func (k *Keys) Issue(p wire.Principal) Credentials {
	derive := func(what string) []byte {
		sum := sha256.Sum256([]byte(what + "\x00" + p.ARN()))
		return sum[:]
	}
	c := Credentials{
		AccessKeyID:     temporary + base32.StdEncoding.EncodeToString(derive("id"))[:16],
		SecretAccessKey: base64.StdEncoding.EncodeToString(derive("secret"))[:40],
		SessionToken:    base64.StdEncoding.EncodeToString(derive("token")),
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.holders == nil {
		k.holders = map[string]wire.Principal{}
	}
	k.holders[c.AccessKeyID] = p
	return c
}

// temporary begins every access key id of a session; those of users begin with AKIA ("IAM identifiers").
const temporary = "ASIA"

// Lookup returns the holder of an access key id.
func (k *Keys) Lookup(accessKeyID string) (wire.Principal, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	p, ok := k.holders[accessKeyID]
	return p, ok
}

// Caller returns who made a request, by its access key id; signatures are not checked. It refuses a request without a
// key.
func (k *Keys) Caller(r *http.Request) (wire.Principal, error) {
	id := AccessKeyID(r)
	if id == "" {
		return nil, &wire.Error{
			Code: "MissingAuthenticationToken", Message: "Missing Authentication Token", Status: http.StatusForbidden,
		}
	}
	return k.Holder(id)
}

// Holder returns the principal of an access key id. A key that is no session's is the administrator's, for whom it
// returns nil: the person at the AWS CLI may do everything. It refuses the key of a session that was never issued.
func (k *Keys) Holder(accessKeyID string) (wire.Principal, error) {
	p, ok := k.Lookup(accessKeyID)
	if !ok && strings.HasPrefix(accessKeyID, temporary) {
		return nil, &wire.Error{
			Code:    "UnrecognizedClientException",
			Message: "The security token included in the request is invalid.", Status: http.StatusForbidden,
		}
	}
	return p, nil
}

// AccessKeyID returns the access key id in the request's Authorization header or in its presigned URL, of Signature
// Version 4 or, for S3, 2, or "".
func AccessKeyID(r *http.Request) string {
	query, authorization := r.URL.Query(), r.Header.Get("Authorization")
	credential := query.Get("X-Amz-Credential")
	if credential == "" {
		credential = query.Get("AWSAccessKeyId")
	}
	if _, after, ok := strings.Cut(authorization, "Credential="); ok {
		credential = after
	} else if after, ok := strings.CutPrefix(authorization, "AWS "); ok {
		credential, _, _ = strings.Cut(after, ":")
	}
	id, _, _ := strings.Cut(credential, "/")
	return strings.TrimSpace(id)
}
