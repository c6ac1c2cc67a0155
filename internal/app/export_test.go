package app

// ParseSettings reads settings from an environment that is given.
var ParseSettings = parseSettings

// AddEnvFile adds the settings of a running system to an environment.
var AddEnvFile = addEnvFile

// WatchDeliveries shows operators what was given up, until ctx is done.
var WatchDeliveries = watchDeliveries

// NewDeliverer puts together what leaves the house.
var NewDeliverer = newDeliverer

// OwnerURL is where migrations work.
func (s Settings) OwnerURL() string { return s.ownerURL() }

// NeedDatabase refuses settings without a database.
func (s Settings) NeedDatabase() error { return s.needDatabase() }
