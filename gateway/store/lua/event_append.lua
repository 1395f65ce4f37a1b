--[[ event_append: keep events of one partition, each (source, id) once.

One step, because an event that is kept is also to be looked at: `evw` says when. An event in hand is taken up by the process
that keeps it: it counts as begun once (`evt`), and others look at it only when that process did not end with it in time. A
repeated call (an answer that was lost) finds its own time there and gives its own answer again.

KEYS  1 facts (stream)  2 ev (stream)  3 evw (zset)  4 evt (hash)  then per event e:E (string)
ARGV  1 offset (ms)  2 ttl (ms)  3 in hand until (ms), 0 = not in hand: others may look at once
      then per event E, J, digest, sealed blob, type
RETURNS per event: new same other, or "hand|<stream id>": new and in hand
--]]
-- include base
local now, hand = now_of(KEYS[1], tonumber(ARGV[1])), tonumber(ARGV[3])
local answers = {}
for k = 5, #KEYS do
  local at = 4 + (k - 5) * 5
  local id, subject, digest, blob, kind = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  local known = redis.call('GET', KEYS[k])
  if known then
    local answer = string.sub(known, 1, #digest) == digest and 'same' or 'other'
    local place = string.sub(known, #digest + 2)
    if answer == 'same' and hand > 0 and tonumber(redis.call('ZSCORE', KEYS[3], id .. '|' .. place) or '0') == hand then
      answer = 'hand|' .. place
    end
    answers[#answers + 1] = answer
  else
    local place = redis.call('XADD', KEYS[2], '*', 'e', id, 'b', blob)
    redis.call('SET', KEYS[k], digest .. '|' .. place, 'PX', ARGV[2])
    redis.call('ZADD', KEYS[3], text(hand > 0 and hand or now), id .. '|' .. place)
    if hand > 0 then redis.call('HSET', KEYS[4], id, '1') end
    fact(KEYS[1], now, 'event', id .. ' ' .. subject, 'type=' .. kind)
    answers[#answers + 1] = hand > 0 and ('hand|' .. place) or 'new'
  end
end
return answers
