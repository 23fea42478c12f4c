package main

import (
	"errors"
	"time"

	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/spf13/cobra"

	"userdrop/internal/client"
	"userdrop/internal/contract"
	"userdrop/internal/mapping"
	"userdrop/internal/phonenumber"
	"userdrop/internal/steps/prepareimport"
	"userdrop/internal/usercsv"
)

// rules are what a file is checked by: the pool, out of files or asked of AWS, and the settings, which a stack has too.
func (o *checkOptions) rules(cmd *cobra.Command) (*usercsv.Pool, usercsv.Settings, error) {
	none := usercsv.Settings{}
	if o.pool != "" {
		settings, err := parseSettings(o.settings.SettingTexts)
		if err != nil {
			return nil, none, err
		}
		pool, err := readPool(o.pool, o.header)
		if err == nil {
			o.takeChanges(cmd, pool, nil)
		}
		return pool, settings, err
	}
	if o.poolID == "" && o.name == "" {
		return nil, none, errors.New("check needs a user pool: --pool POOL.json, --pool-id ID or --stack NAME")
	}
	cfg, err := o.config(cmd.Context())
	if err != nil {
		return nil, none, err
	}
	var parameters map[string]string
	if o.name != "" {
		s, err := client.Open(cmd.Context(), cfg, o.name)
		if err != nil {
			return nil, none, err
		}
		if o.poolID, err = s.Pool(o.poolID); err != nil {
			return nil, none, err
		}
		o.settings.takeFrom(s.Parameters, cmd.Flags())
		if err := o.existing.takeFrom(s); err != nil {
			return nil, none, err
		}
		parameters = s.Parameters
		if err := o.takeMapping(cmd, s); err != nil {
			return nil, none, err
		}
	}
	settings, err := parseSettings(o.settings.SettingTexts)
	if err != nil {
		return nil, none, err
	}
	pool, err := prepareimport.Pool(cmd.Context(), cognito.NewFromConfig(cfg), o.poolID)
	if _, refused := errors.AsType[*usercsv.Refusal](err); refused {
		return nil, none, client.NotFoundf("there is no user pool %s in %s", o.poolID, cfg.Region)
	}
	if err == nil {
		o.takeChanges(cmd, pool, parameters)
	}
	return pool, settings, client.Explain(err)
}

// takeMapping takes the mapping of the pool, or of the stack, where the flag was not given.
func (o *checkOptions) takeMapping(cmd *cobra.Command, s *client.Stack) error {
	if o.mapping != "" {
		return nil
	}
	text, mayRead, err := s.MappingOfPool(cmd.Context(), o.poolID)
	if err != nil {
		return err
	}
	o.ofPool, o.mapping = text, s.Parameters["Mapping"]
	if !mayRead {
		hint(cmd, "Whether the inbox has a mapping for the pool is not known: these AWS credentials may not read its %s.",
			contract.MappingKey(o.poolID))
	}
	return nil
}

// findMapping returns the mapping of the files, nil if there is none.
func (o *checkOptions) findMapping() (m *mapping.Mapping, err error) {
	switch {
	case o.ofPool != nil:
		return prepareimport.ParseMapping(o.ofPool, contract.MappingKey(o.poolID)+" in the inbox")
	case o.mapping != "":
		m, _, err = findMapping(o.mapping)
	}
	return m, err
}

// parseSettings reads the settings of the CSV rules for a file that is checked now.
func parseSettings(texts usercsv.SettingTexts) (usercsv.Settings, error) {
	settings, err := usercsv.ParseSettings(texts, phonenumber.New())
	settings.Began = time.Now()
	return settings, err
}
