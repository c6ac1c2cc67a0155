package casework

// VerificationOutcome is what the verification of a review found (第八、九条).
// The fourth outcome, mistaken or malicious, is proposed by an authority and is
// an InvalidProposed event.
type VerificationOutcome string

// The outcomes that the department itself may find.
const (
	OutcomeFixedAtOnce  VerificationOutcome = "fixed_at_once"  // true, and already put right
	OutcomeComplex      VerificationOutcome = "complex"        // true, needs rectification
	OutcomeNoLegalBasis VerificationOutcome = "no_legal_basis" // what is asked has no legal basis: to be explained
)

// InvalidGround is why a review does not count (第八条: 恶意差评视为无效评价).
type InvalidGround string

// The two grounds.
const (
	GroundMalicious InvalidGround = "malicious"
	GroundMistaken  InvalidGround = "mistaken"
)

// CauseCategory is the kind of cause that a rectification removed (第十一条).
type CauseCategory string

// The categories of causes.
const (
	CauseConduct   CauseCategory = "conduct"   // 作风态度
	CauseSkill     CauseCategory = "skill"     // 业务能力
	CauseProcess   CauseCategory = "process"   // 办事流程
	CauseGuide     CauseCategory = "guide"     // 办事指南
	CauseSystem    CauseCategory = "system"    // 信息系统
	CauseEquipment CauseCategory = "equipment" // 设施设备
	CausePolicy    CauseCategory = "policy"    // 政策规定
	CauseOther     CauseCategory = "other"     // 其他
)

// CauseCategories lists the categories.
func CauseCategories() []CauseCategory {
	return []CauseCategory{
		CauseConduct, CauseSkill, CauseProcess, CauseGuide, CauseSystem, CauseEquipment, CausePolicy, CauseOther,
	}
}

// Answer is the citizen's answer to the feedback.
type Answer string

// The two answers that a citizen can give; no answer is AnswerWindowPassed.
const (
	AnswerSatisfied   Answer = "satisfied"
	AnswerUnsatisfied Answer = "unsatisfied"
)

// SpotCheckMethod is one of the four ways of 第十条.
type SpotCheckMethod string

// 抽查、调阅档案、实地察看、电话回访.
const (
	MethodSample SpotCheckMethod = "sample"
	MethodFile   SpotCheckMethod = "file"
	MethodSite   SpotCheckMethod = "site"
	MethodPhone  SpotCheckMethod = "phone"
)

// SpotCheckMethods lists the methods.
func SpotCheckMethods() []SpotCheckMethod {
	return []SpotCheckMethod{MethodSample, MethodFile, MethodSite, MethodPhone}
}

// FeedbackChannel is how the result reached the reviewer (第九条: 网上政务服务平台、
// 移动端用户中心、短信等方式).
type FeedbackChannel string

// The channels of 第九条, the telephone, and none for a reviewer who is unknown.
const (
	FeedbackPlatform FeedbackChannel = "platform"
	FeedbackMobile   FeedbackChannel = "mobile"
	FeedbackSMS      FeedbackChannel = "sms"
	FeedbackPhone    FeedbackChannel = "phone"
	FeedbackNone     FeedbackChannel = "none"
)

// FeedbackChannels lists the channels.
func FeedbackChannels() []FeedbackChannel {
	return []FeedbackChannel{FeedbackPlatform, FeedbackMobile, FeedbackSMS, FeedbackPhone, FeedbackNone}
}

// PauseCategory is why a clock stands still.
type PauseCategory string

// The categories of a pause.
const (
	PauseReviewerAsked PauseCategory = "reviewer_asked" // the reviewer asked to wait
	PauseLegal         PauseCategory = "legal"          // litigation, review or inspection under way
	PauseForceMajeure  PauseCategory = "force_majeure"
	PauseOther         PauseCategory = "other"
)

// PauseCategories lists the categories.
func PauseCategories() []PauseCategory {
	return []PauseCategory{PauseReviewerAsked, PauseLegal, PauseForceMajeure, PauseOther}
}

// ClockKind names what a clock limits.
type ClockKind string

// The clocks of a case. One runs at a time.
const (
	ClockVerification  ClockKind = "verification"
	ClockRectification ClockKind = "rectification"
	ClockExplanation   ClockKind = "explanation"
	ClockAnswer        ClockKind = "answer"
)
