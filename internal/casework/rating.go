package casework

import "slices"

// RatingLevel is one of the five levels of 第七条.
type RatingLevel string

// The five levels, best first.
const (
	VerySatisfied      RatingLevel = "very_satisfied"
	Satisfied          RatingLevel = "satisfied"
	BasicallySatisfied RatingLevel = "basically_satisfied"
	Dissatisfied       RatingLevel = "dissatisfied"
	VeryDissatisfied   RatingLevel = "very_dissatisfied"
)

// RatingLevels lists the levels, best first.
func RatingLevels() []RatingLevel {
	return []RatingLevel{VerySatisfied, Satisfied, BasicallySatisfied, Dissatisfied, VeryDissatisfied}
}

// Valid reports whether l is one of the five levels.
func (l RatingLevel) Valid() bool { return slices.Contains(RatingLevels(), l) }

// Negative reports whether a rating of this level is a 差评 that opens a case
// (第九条: 不满意 and 非常不满意).
func (l RatingLevel) Negative() bool { return l == Dissatisfied || l == VeryDissatisfied }

// Aspect is what of the service was rated (第二条).
type Aspect string

// The seven aspects of 第二条.
const (
	AspectCommitment Aspect = "commitment"
	AspectAttitude   Aspect = "attitude"
	AspectMaterials  Aspect = "materials"
	AspectEfficiency Aspect = "efficiency"
	AspectTrips      Aspect = "trips"
	AspectMechanism  Aspect = "mechanism"
	AspectIntegrity  Aspect = "integrity"
)

// Aspects lists the seven aspects in the order of 第二条.
func Aspects() []Aspect {
	return []Aspect{
		AspectCommitment, AspectAttitude, AspectMaterials, AspectEfficiency,
		AspectTrips, AspectMechanism, AspectIntegrity,
	}
}

// Valid reports whether a is one of the seven aspects.
func (a Aspect) Valid() bool { return slices.Contains(Aspects(), a) }

// Channel is the way a rating came (第五条).
type Channel string

// The channels of 第五条, and the telephone.
const (
	ChannelPC                Channel = "pc"
	ChannelApp               Channel = "app"
	ChannelWeChatMiniProgram Channel = "wechat_mini_program"
	ChannelQRCode            Channel = "qr_code"
	ChannelCounterDevice     Channel = "counter_device"
	ChannelKiosk             Channel = "kiosk"
	ChannelSMS               Channel = "sms"
	ChannelPhone             Channel = "phone"
)

// Channels lists the channels.
func Channels() []Channel {
	return []Channel{
		ChannelPC, ChannelApp, ChannelWeChatMiniProgram, ChannelQRCode,
		ChannelCounterDevice, ChannelKiosk, ChannelSMS, ChannelPhone,
	}
}

// Valid reports whether c is a known channel.
func (c Channel) Valid() bool { return slices.Contains(Channels(), c) }

// ReviewSource says who made a rating: a person, or the seven-day default of
// 第八条, which never opens a case.
type ReviewSource string

// The sources of a rating.
const (
	SourceActive  ReviewSource = "active"
	SourceDefault ReviewSource = "default"
)
