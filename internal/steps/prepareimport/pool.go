package prepareimport

import (
	"context"

	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"userdrop/internal/aws/lambdahandler"
	"userdrop/internal/usercsv"
)

// Pool asks AWS for what the rules need to know of a pool, as prepare-import does. A pool that is not there is a
// *usercsv.Refusal.
func Pool(ctx context.Context, client *cognito.Client, id string) (*usercsv.Pool, error) {
	p := Prepare{Cognito: client, Config: Config{UserPools: lambdahandler.UserPools{id}}}
	pool, _, err := p.pool(ctx, id)
	return pool, err
}
