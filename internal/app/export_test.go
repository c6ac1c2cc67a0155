package app

// ParseSettings reads settings from an environment that is given.
var ParseSettings = parseSettings

// AddEnvFile adds the settings of a running system to an environment.
var AddEnvFile = addEnvFile

// OwnerURL is where migrations work.
func (s Settings) OwnerURL() string { return s.ownerURL() }

// NeedDatabase refuses settings without a database.
func (s Settings) NeedDatabase() error { return s.needDatabase() }
