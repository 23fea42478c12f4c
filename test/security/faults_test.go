package security_test

import (
	"fmt"
	"net/http"
	"sync"

	"userdrop/localaws"
)

// failPieces makes S3 fail the second piece, or the first piece of a copy, of each upload as often as the SDK tries.
func failPieces() func(localaws.Call, http.Handler) http.Handler {
	var mu sync.Mutex
	failed := map[string]int{}
	return func(call localaws.Call, next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			part := r.URL.Query().Get("partNumber")
			copied := r.Header.Get("X-Amz-Copy-Source") != ""
			if call.Service == "s3" && r.Method == http.MethodPut && (part == "2" || part != "" && copied) {
				mu.Lock()
				failed[r.URL.Path]++
				fail := failed[r.URL.Path] <= 3 || copied
				mu.Unlock()
				if fail {
					http.Error(w, "<Error><Code>InternalError</Code></Error>", http.StatusInternalServerError)
					return
				}
			}
			next.ServeHTTP(w, r)
		})
	}
}

// refuseStart answers the first start of a job as Cognito does while another one runs.
func refuseStart() func(localaws.Call, http.Handler) http.Handler {
	var once sync.Once
	return func(call localaws.Call, next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			refused := false
			if call.Operation == "StartUserImportJob" {
				once.Do(func() { refused = true })
			}
			if !refused {
				next.ServeHTTP(w, r)
				return
			}
			w.Header().Set("X-Amzn-ErrorType", "PreconditionNotMetException")
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"__type": "PreconditionNotMetException", "message": "Another job is active."}`)
		})
	}
}
