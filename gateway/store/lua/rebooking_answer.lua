#!lua flags=allow-oom
--[[ rebooking_answer: somebody of an order says what is to become of a cancelled journey. The last word of the order counts.

One step with its fact, so that each answer leaves the house once: a webhook that came twice finds its key among the last eight,
and a second traveller who says the same changes nothing. Runs when memory is full: the person was told that we pass it on.

KEYS  1 j:O (hash)  2 facts (stream)
ARGV  1 offset (ms)  2 O, the order  3 J, what was cancelled  4 C  5 M that asked  6 choice (accept other refund)
      7 the offer it is about ('' none)  8 when they said it (ms)  9 keyed hash of what they sent  10 keep until (ms)
      11 what it is about: rebooking, or appointment (O and J are the appointment then)
RETURNS {taken | same | known | older, the answer that counts now}
        field rb:J: format|at|choice|offer|C|keys, the newest key last
--]]
-- include base
local now = now_of(KEYS[2], tonumber(ARGV[1]))
local field, at = 'rb:' .. ARGV[3], tonumber(ARGV[8])
local held = redis.call('HGET', KEYS[1], field)
local last = held and split(held) or nil
local said = {}
if last then
  for key in string.gmatch(last[6], '[^,]+') do
    if key == ARGV[9] then return {'known', held} end
    said[#said + 1] = key
  end
  if at < tonumber(last[2]) then return {'older', held} end
end
said[#said + 1] = ARGV[9]
while #said > 8 do table.remove(said, 1) end
local same = last and last[3] == ARGV[6] and last[4] == ARGV[7]
local value = '1|' .. text(at) .. '|' .. ARGV[6] .. '|' .. ARGV[7] .. '|' .. ARGV[4] .. '|' .. table.concat(said, ',')
redis.call('HSET', KEYS[1], field, value)
if redis.call('PEXPIRETIME', KEYS[1]) < tonumber(ARGV[10]) then redis.call('PEXPIREAT', KEYS[1], ARGV[10]) end
if same then return {'same', value} end
fact(KEYS[2], now, ARGV[11] .. '_' .. ARGV[6], ARGV[5] .. ' ' .. ARGV[4] .. ' ' .. ARGV[3] .. ' ' .. ARGV[2],
  ARGV[7] ~= '' and ('offer=' .. ARGV[7]) or '')
return {'taken', value}
