package identity

// HashesAtOnce is how many passwords are hashed at once.
const HashesAtOnce = hashesAtOnce

// Occupy takes n of the places in which passwords are hashed, until release.
func (s *Service) Occupy(n int) (release func()) {
	for range n {
		s.slots <- struct{}{}
	}
	return func() {
		for range n {
			<-s.slots
		}
	}
}
