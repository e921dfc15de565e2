package access

// Reason says why a request was refused. Reasons are stable: they are the
// `code` of the problem document (RFC 9457), the word in the ledger and the
// label that is counted. A reason never carries a value.
type Reason string

// Who calls.
const (
	CredentialMissing  Reason = "credential_missing"
	CredentialInvalid  Reason = "credential_invalid"
	CredentialConflict Reason = "credential_conflict"
	TooManyFailures    Reason = "too_many_failures"
)

// What was asked.
const (
	PathNotCanonical    Reason = "path_not_canonical"
	RouteUnknown        Reason = "route_unknown"
	MethodNotAllowed    Reason = "method_not_allowed"
	HeaderInvalid       Reason = "header_invalid"
	ParameterDuplicate  Reason = "parameter_duplicate"
	ParameterUnknown    Reason = "parameter_unknown"
	ParameterMissing    Reason = "parameter_missing"
	ParameterInvalid    Reason = "parameter_invalid"
	RequestBodyInvalid  Reason = "request_body_invalid"
	RequestTypeInvalid  Reason = "request_type_invalid"
	RequestBodyTooLarge Reason = "request_body_too_large"
	RequestTooSlow      Reason = "request_too_slow"
)

// Whether it may.
const (
	ApplicationMissing Reason = "application_missing"
	ApplicationUnknown Reason = "application_unknown"
	GrantExpired       Reason = "grant_expired"
	GrantNotYetValid   Reason = "grant_not_yet_valid"
	GrantRevoked       Reason = "grant_revoked"
	AgreementExpired   Reason = "agreement_expired"
	GrantInvalid       Reason = "grant_invalid"
	NotPermitted       Reason = "not_permitted"
)

// How much.
const (
	RateExceeded    Reason = "rate_exceeded"
	PersonsExceeded Reason = "persons_exceeded"
)

// What the source did.
const (
	SourceUnreachable Reason = "source_unreachable"
	SourceTimeout     Reason = "source_timeout"
	SourceStatus      Reason = "source_status"
	SourceType        Reason = "source_type"
	SourceEncoding    Reason = "source_encoding"
	SourceTooLarge    Reason = "source_too_large"
	SourceMalformed   Reason = "source_malformed"
	SourceDuplicate   Reason = "source_duplicate_name"
	SourceShape       Reason = "source_shape"
	SourceTruncated   Reason = "source_truncated"
)

// What the gate itself could not do.
const (
	RulesUnavailable  Reason = "rules_unavailable"
	LedgerUnavailable Reason = "ledger_unavailable"
	KeysUnavailable   Reason = "keys_unavailable"
	QuotaUnavailable  Reason = "quota_unavailable"
	InternalError     Reason = "internal_error"
	ClientGone        Reason = "client_gone"
)

// Text is a sentence in the product's two languages.
type Text struct {
	Chinese string
	English string
}

// Explanation is what a caller is told about a Reason: the HTTP status, a title
// and what to do. It is fixed, so that it cannot depend on any person's data.
type Explanation struct {
	Status int
	Title  Text
	Detail Text
}

// Explain returns the fixed explanation of a reason. An unlisted reason is
// explained as InternalError (500), which reveals nothing.
func Explain(r Reason) Explanation {
	if e, ok := explanations[r]; ok {
		return e
	}
	return explanations[InternalError]
}

// Reasons lists every reason there is, in no particular order.
func Reasons() []Reason {
	all := make([]Reason, 0, len(explanations))
	for r := range explanations {
		all = append(all, r)
	}
	return all
}

var explanations = map[Reason]Explanation{
	CredentialMissing:  {401, Text{"未提供凭据", "No credential presented"}, Text{"请提供接口密钥、客户端证书或令牌。", "Present an API key, a client certificate or a token."}},
	CredentialInvalid:  {401, Text{"凭据无效", "Credential not accepted"}, Text{"所提供的凭据未通过验证，请核对其有效期与归属。", "A credential presented could not be verified; check its validity and whom it belongs to."}},
	CredentialConflict: {401, Text{"凭据不一致", "Credentials disagree"}, Text{"所提供的多个凭据必须属于同一调用方。", "All credentials presented must name the same caller."}},
	TooManyFailures:    {429, Text{"失败次数过多", "Too many failures"}, Text{"此来源的失败次数过多，请稍后再试。", "Too many failed attempts from this source; try again later."}},

	PathNotCanonical:    {400, Text{"路径不规范", "Path not canonical"}, Text{"路径须为规范形式，不含转义、重复斜杠、点段或分号。", "Send the path in canonical form: no escapes, doubled slashes, dot segments or semicolons."}},
	RouteUnknown:        {404, Text{"无此接口", "No such route"}, Text{"规则中没有此路径，请核对接口地址。", "The rules name no such path; check the address."}},
	MethodNotAllowed:    {405, Text{"方法不允许", "Method not allowed"}, Text{"此接口不接受该方法，见 Allow 头。", "This route does not take that method; see the Allow header."}},
	HeaderInvalid:       {400, Text{"请求头无效", "Header not valid"}, Text{"申请编号请求头只能出现一次，且须符合编号格式。", "Send the application header once, in the form of an application number."}},
	ParameterDuplicate:  {400, Text{"参数重复", "Duplicate parameter"}, Text{"每个参数只能出现一次。", "Send each parameter once."}},
	ParameterUnknown:    {400, Text{"未知参数", "Unknown parameter"}, Text{"此接口不接受所给的某个参数。", "This route does not take one of the parameters sent."}},
	ParameterMissing:    {400, Text{"缺少参数", "Missing parameter"}, Text{"缺少此接口必需的参数。", "A parameter this route needs is missing."}},
	ParameterInvalid:    {400, Text{"参数不合格式", "Parameter not valid"}, Text{"某个参数不符合其类型，例如校验位或日期不正确。", "A parameter does not fit its type, for instance a wrong check digit or date."}},
	RequestBodyInvalid:  {400, Text{"请求体无效", "Request body not valid"}, Text{"请求体须为严格的 JSON 对象，名称不得重复。", "Send a strict JSON object without duplicate names."}},
	RequestTypeInvalid:  {415, Text{"请求类型不支持", "Request type not supported"}, Text{"请求体须为 application/json，UTF-8，未压缩。", "Send application/json in UTF-8, uncompressed."}},
	RequestBodyTooLarge: {413, Text{"请求体过大", "Request body too large"}, Text{"请求体超过此接口的上限。", "The request body is larger than this route takes."}},
	RequestTooSlow:      {408, Text{"请求体发送过慢", "Request body too slow"}, Text{"请求体须在数秒内发送完毕。", "Send the whole request body within a few seconds."}},

	ApplicationMissing: {403, Text{"未注明查询申请", "No application named"}, Text{"请在 X-Hukou-Application 头中注明已批准的申请编号。", "Name an approved application in the X-Hukou-Application header."}},
	ApplicationUnknown: {403, Text{"无此查询申请", "Application not known"}, Text{"没有属于该调用方的此编号申请。", "There is no application of this number for this caller."}},
	GrantExpired:       {403, Text{"授权已到期", "Grant expired"}, Text{"该申请的授权期限已过，请续期。", "The grant's time window has ended; have it renewed."}},
	GrantNotYetValid:   {403, Text{"授权尚未生效", "Grant not yet valid"}, Text{"该申请的授权期限尚未开始。", "The grant's time window has not begun."}},
	GrantRevoked:       {403, Text{"授权已撤销", "Grant revoked"}, Text{"该申请的授权已被撤销，请联系管理部门。", "The grant was revoked; ask the management department."}},
	AgreementExpired:   {403, Text{"保密协议已到期", "Agreement expired"}, Text{"保密协议或承诺书已到期，续签前不得查询。", "The confidentiality agreement or pledge has ended; sign it again before any query."}},
	GrantInvalid:       {403, Text{"授权无效", "Grant not valid"}, Text{"该申请的授权与现行规则不符，请联系管理部门。", "The grant does not fit the rules in force; ask the management department."}},
	NotPermitted:       {403, Text{"不予许可", "Not permitted"}, Text{"现行规则不允许以该身份和目的使用此接口。", "The rules do not let this role use this route for this purpose."}},

	RateExceeded:    {429, Text{"请求过于频繁", "Too many requests"}, Text{"请求频率超出限额，请按 Retry-After 稍后再试。", "The request rate is over its budget; wait as Retry-After says."}},
	PersonsExceeded: {429, Text{"查询人数已达上限", "Person budget used up"}, Text{"当日可查询的人数已用完。", "The number of distinct persons for the day is used up."}},

	SourceUnreachable: {502, Text{"数据源不可达", "Source unreachable"}, Text{"无法连接数据源，请稍后再试。", "The data source can't be reached; try again later."}},
	SourceTimeout:     {504, Text{"数据源超时", "Source timed out"}, Text{"数据源未在时限内答复，请稍后再试。", "The data source did not answer in time; try again later."}},
	SourceStatus:      {502, Text{"数据源答复异常", "Source answered with an error"}, Text{"数据源的答复不是规则所声明的状态。", "The data source's status is not the one the rules declare."}},
	SourceType:        {502, Text{"数据源类型不符", "Source type differs"}, Text{"数据源答复的类型不是规则所声明的类型。", "The data source's media type is not the one the rules declare."}},
	SourceEncoding:    {502, Text{"数据源编码不符", "Source encoding differs"}, Text{"数据源答复的字符集或压缩方式不被接受。", "The data source's charset or content coding is not accepted."}},
	SourceTooLarge:    {502, Text{"数据源答复过大", "Source answer too large"}, Text{"数据源的答复超过此接口的上限。", "The data source's answer is larger than this route takes."}},
	SourceMalformed:   {502, Text{"数据源答复格式错误", "Source answer malformed"}, Text{"数据源的答复不是合格的 JSON。", "The data source's answer is not well-formed."}},
	SourceDuplicate:   {502, Text{"数据源答复含重名", "Source answer has duplicate names"}, Text{"数据源的答复含重复的名称，无法安全脱敏。", "The data source's answer repeats a name and can't be masked safely."}},
	SourceShape:       {502, Text{"数据源结构不符", "Source shape differs"}, Text{"数据源答复的结构不是规则所声明的结构。", "The data source's answer does not have the shape the rules declare."}},
	SourceTruncated:   {502, Text{"数据源答复不完整", "Source answer incomplete"}, Text{"数据源的答复在传输中中断。", "The data source's answer broke off."}},

	RulesUnavailable:  {503, Text{"规则不可用", "Rules unavailable"}, Text{"网关没有可用的规则，暂不放行任何数据。", "The gate has no rules in force and releases nothing."}},
	LedgerUnavailable: {503, Text{"台账不可用", "Ledger unavailable"}, Text{"网关无法写入台账，暂不放行任何数据。", "The gate can't write its ledger and releases nothing."}},
	KeysUnavailable:   {503, Text{"密钥不可用", "Keys unavailable"}, Text{"网关无法取得密钥，暂不放行任何数据。", "The gate can't reach its keys and releases nothing."}},
	QuotaUnavailable:  {503, Text{"限额不可用", "Budgets unavailable"}, Text{"网关无法核对限额，暂不放行任何数据。", "The gate can't check its budgets and releases nothing."}},
	InternalError:     {500, Text{"网关内部错误", "Internal error"}, Text{"网关遇到内部错误，未放行任何数据。请凭回执编号联系管理部门。", "The gate met an internal error and released nothing; quote the receipt."}},
	ClientGone:        {499, Text{"客户端已断开", "Client went away"}, Text{"客户端在答复前断开。", "The client closed the connection before the answer."}},
}
