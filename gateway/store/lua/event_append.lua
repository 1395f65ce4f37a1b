--[[ event_append: keep events of one partition, each (source, id) once.

KEYS  1 facts (stream)  2 ev (stream)  3 evw (zset)  then per event e:E (string)
ARGV  1 offset (ms)  2 ttl (ms)  then per event E, J, digest, sealed blob, type
RETURNS per event: new same other
--]]
-- include base
local now = now_of(KEYS[1], tonumber(ARGV[1]))
local answers = {}
for k = 4, #KEYS do
  local at = 3 + (k - 4) * 5
  local id, subject, digest, blob, kind = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  local known = redis.call('GET', KEYS[k])
  if known then
    answers[#answers + 1] = string.sub(known, 1, #digest) == digest and 'same' or 'other'
  else
    local place = redis.call('XADD', KEYS[2], '*', 'e', id, 'b', blob)
    redis.call('SET', KEYS[k], digest .. '|' .. place, 'PX', ARGV[2])
    redis.call('ZADD', KEYS[3], text(now), id .. '|' .. place)
    fact(KEYS[1], now, 'event', id .. ' ' .. subject, 'type=' .. kind)
    answers[#answers + 1] = 'new'
  end
end
return answers
