package web

import (
	"guiling/internal/store"
)

// Narrator tells events in the words of the pages, for programs that are not a
// browser.
type Narrator struct {
	say localizer
}

// NewNarrators gives one narrator for each language, Chinese first.
func NewNarrators() ([]Narrator, error) {
	all, err := loadCatalogues()
	if err != nil {
		return nil, err
	}
	narrators := make([]Narrator, 0, len(languages()))
	for _, language := range languages() {
		narrators = append(narrators, Narrator{say: all[language]})
	}
	return narrators, nil
}

// Tell gives the headline of each event, in order.
func (n Narrator) Tell(events []store.RecordedEvent) []string {
	known := namesIn(events)
	headlines := make([]string, 0, len(events))
	for _, e := range events {
		headlines = append(headlines, n.say.entryOf(e, known).Headline)
	}
	return headlines
}
