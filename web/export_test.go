package web

// Say says the message of a key in a language.
func Say(tag, key string, params ...any) (string, error) {
	all, err := loadCatalogues()
	if err != nil {
		return "", err
	}
	return all[tag].T(key, params...), nil
}
