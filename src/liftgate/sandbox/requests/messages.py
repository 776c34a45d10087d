"""The public messages of the Gemini API's requests, as data: docs/protocol/gemini.md, "Fields" with the fields that SDK
3.4.0 knows on top, except those that only Vertex AI takes.

One line per field (small messages are on one line): JSON name and type. `[]` is repeated, `<X>` a map from strings,
`^group` a member of a oneof, `?` a field whose acceptance is a switch. Interpreted by `strict_json` only.
"""

from typing import Final

MESSAGES: Final = """
GenerateContentRequest
  model string
  systemInstruction Content ^_system_instruction
  contents Content[]
  tools Tool[]
  toolConfig ToolConfig
  safetySettings SafetySetting[]
  generationConfig GenerationConfig ^_generation_config
  cachedContent string ^_cached_content
  labels <string>
  serviceTier ServiceTier
  continuationToken bytes
  store bool
Content
  parts Part[]
  role string
Part
  text string ^data
  inlineData Blob ^data
  functionCall FunctionCall ^data
  functionResponse FunctionResponse ^data
  fileData FileData ^data
  executableCode ExecutableCode ^data
  codeExecutionResult CodeExecutionResult ^data
  toolCall ToolCall ^data
  toolResponse ToolResponse ^data
  videoMetadata VideoMetadata ^metadata
  thought bool
  thoughtSignature bytes
  partMetadata object
  mediaResolution PartMediaResolution
  audioTranscription Transcription
  mediaProcessing MediaProcessing
  speechMetadata SpeechMetadata
  documentMetadata DocumentMetadata
  spreadsheetMetadata SpreadsheetMetadata
  audioMetadata AudioMetadata
Blob
  mimeType string
  data bytes
  displayName string
FileData
  mimeType string
  fileUri string
  displayName string
VideoMetadata
  startOffset duration
  endOffset duration
  fps double
  contentLayers VideoMetadataContentLayer[]
FunctionCall
  id string
  name string
  args object
FunctionResponse
  id string
  name string
  response object
  parts FunctionResponsePart[]
  willContinue bool
  scheduling Scheduling
FunctionResponsePart
  inlineData Blob ^data
  fileData FileData ^data
  mediaProcessing MediaProcessing
  mediaResolution PartMediaResolution
  videoMetadata VideoMetadata
  documentMetadata DocumentMetadata
  spreadsheetMetadata SpreadsheetMetadata
  audioMetadata AudioMetadata
ExecutableCode
  language Language
  code string
  id string
CodeExecutionResult
  outcome Outcome
  output string
  id string
ToolCall
  id string
  toolType ToolType
  args object
ToolResponse
  id string
  toolType ToolType
  response object
PartMediaResolution: level PartMediaResolutionLevel; numTokens int32
Transcription
  text string
  finished bool
  languageCode string
  speakerLabel string
  words WordInfo[]
  startOffset duration
  endOffset duration
WordInfo
  word string
  startOffset duration
  endOffset duration
SpeechMetadata: speaker string; style string
DocumentMetadata
  startPage int32
  endPage int32
  contentLayers DocumentMetadataContentLayer[]
SpreadsheetMetadata
  visibleCells string
  sheetIndex int32
  contentLayers SpreadsheetMetadataContentLayer[]
AudioMetadata: startOffset duration; endOffset duration
Tool
  functionDeclarations FunctionDeclaration[]
  googleSearchRetrieval GoogleSearchRetrieval
  codeExecution Empty
  googleSearch GoogleSearch
  computerUse ComputerUse
  urlContext Empty
  fileSearch FileSearch
  googleMaps GoogleMaps
  mcpServers McpServer[]
Empty
FunctionDeclaration
  name string
  description string
  parameters Schema ^parameters
  parametersJsonSchema any ^parameters
  response Schema ^response
  responseJsonSchema any ^response
  behavior Behavior
Schema
  type Type
  format string
  title string
  description string
  nullable bool
  enum string[]
  items Schema
  maxItems int64
  minItems int64
  properties <Schema>
  required string[]
  minProperties int64
  maxProperties int64
  minimum double
  maximum double
  minLength int64
  maxLength int64
  pattern string
  example any
  anyOf Schema[]
  propertyOrdering string[]
  default any
  additionalProperties any ?
  defs <Schema> ?
  ref string ?
GoogleSearch
  timeRangeFilter Interval
  searchTypes SearchTypes
Interval: startTime timestamp; endTime timestamp
SearchTypes: webSearch Empty; imageSearch Empty
GoogleSearchRetrieval: dynamicRetrievalConfig DynamicRetrievalConfig
DynamicRetrievalConfig: mode DynamicMode; dynamicThreshold float
ComputerUse
  environment Environment
  excludedPredefinedFunctions string[]
  enablePromptInjectionDetection bool
  disabledSafetyPolicies SafetyPolicy[]
FileSearch
  fileSearchStoreNames string[]
  topK int32
  metadataFilter string
GoogleMaps: enableWidget bool
McpServer: name string; streamableHttpTransport StreamableHttpTransport
StreamableHttpTransport
  url string
  headers <string>
  timeout duration
  sseReadTimeout duration
  terminateOnClose bool
ToolConfig
  functionCallingConfig FunctionCallingConfig
  retrievalConfig RetrievalConfig
  includeServerSideToolInvocations bool
FunctionCallingConfig
  mode FunctionCallingMode
  allowedFunctionNames string[]
RetrievalConfig
  latLng LatLng
  languageCode string
LatLng: latitude double; longitude double
GenerationConfig
  candidateCount int32
  stopSequences string[]
  maxOutputTokens int32
  temperature float
  topP float
  topK int32
  seed int32
  responseMimeType string
  responseSchema Schema
  responseJsonSchema any
  _responseJsonSchema any
  presencePenalty float
  frequencyPenalty float
  responseLogprobs bool
  logprobs int32
  enableEnhancedCivicAnswers bool
  responseModalities ResponseModality[]
  speechConfig SpeechConfig
  thinkingConfig ThinkingConfig
  imageConfig ImageConfig
  mediaResolution MediaResolution
  modelSelectionConfig object
  enableAffectiveDialog bool
  responseFormat object[]
  translationConfig object
  audioTranscriptionConfig AudioTranscriptionConfig
ThinkingConfig
  includeThoughts bool
  thinkingBudget int32
  thinkingLevel ThinkingLevel
ImageConfig
  aspectRatio string
  imageSize string
  personGeneration string
SpeechConfig
  voiceConfig VoiceConfig
  multiSpeakerVoiceConfig MultiSpeakerVoiceConfig
  languageCode string
VoiceConfig
  prebuiltVoiceConfig PrebuiltVoiceConfig ^voice_config
  replicatedVoiceConfig ReplicatedVoiceConfig ^voice_config
  voice string
PrebuiltVoiceConfig: voiceName string
ReplicatedVoiceConfig
  mimeType string
  voiceSampleAudio bytes
  consentAudio bytes
  voiceConsentSignature object
MultiSpeakerVoiceConfig: speakerVoiceConfigs SpeakerVoiceConfig[]
SpeakerVoiceConfig: speaker string; voiceConfig VoiceConfig
AudioTranscriptionConfig
  languageCodes string[]
  languageAuto object
  languageHints object
  customVocabulary string[]
  adaptationPhrases string[]
  wordTimestamp bool
  diarization bool
  mode string
  sourceText string
SafetySetting
  category HarmCategory
  threshold HarmBlockThreshold
CountTokensRequest
  model string
  contents Content[]
  generateContentRequest GenerateContentRequest
EmbedContentRequest
  model string
  content Content
  taskType TaskType
  title string
  outputDimensionality int32
BatchEmbedContentsRequest
  model string
  requests EmbedContentRequest[]
CreateFileRequest
  file File
File
  name string
  displayName string
  mimeType string
  sizeBytes int64
  createTime timestamp
  updateTime timestamp
  expirationTime timestamp
  sha256Hash bytes
  uri string
  downloadUri string
  state FileState
  source FileSource
"""
