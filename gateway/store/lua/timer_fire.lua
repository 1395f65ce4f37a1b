--[[ timer_fire: a moment that is due leaves the timers and is an event that is kept, in one step.

One step, because between the two a process may die: the moment would be lost, or told again. Both lie in the subject's partition:
a moment's event has its id there. A moment that was moved since it was seen to be due stands at another time, under another
number, and stays; so does one that is due by the clock of a process that is ahead of the store's. A repeated call (an answer that was lost), a second process, or one from before a failover finds the event kept
under the same id.

KEYS  1 facts (stream)  2 ev (stream)  3 evw (zset)  4 evt (hash)  5 timers (zset)  6 j:J (hash)  7 e:E (string)
ARGV  1 offset (ms)  2 ttl (ms)  3 in hand until (ms), 0 = not in hand: others may look at once
      4 E  5 J  6 moment  7 mo:<moment> as it was seen  8 digest  9 sealed blob  10 type
RETURNS new, same, moved, early, or "hand|<stream id>": new and in hand
--]]
-- include base
local now, hand = now_of(KEYS[1], tonumber(ARGV[1])), tonumber(ARGV[3])
local event, subject, field = ARGV[4], ARGV[5], 'mo:' .. ARGV[6]
local member = subject .. ':' .. ARGV[6]
local known = redis.call('GET', KEYS[7])
local set = redis.call('HGET', KEYS[6], field)
if not known and (set ~= ARGV[7] or not redis.call('ZSCORE', KEYS[5], member)) then return 'moved' end
local due = string.match(ARGV[7], '^(%d+)|')
if not known and tonumber(due) > now + 1000 then return 'early' end
if set == ARGV[7] then
  redis.call('HDEL', KEYS[6], field)
  redis.call('ZREM', KEYS[5], member)
end
if known then
  local place = string.sub(known, #ARGV[8] + 2)
  if hand > 0 and tonumber(redis.call('ZSCORE', KEYS[3], event .. '|' .. place) or '0') == hand then return 'hand|' .. place end
  return 'same'
end
local place = redis.call('XADD', KEYS[2], '*', 'e', event, 'b', ARGV[9])
redis.call('SET', KEYS[7], ARGV[8] .. '|' .. place, 'PX', ARGV[2])
redis.call('ZADD', KEYS[3], text(hand > 0 and hand or now), event .. '|' .. place)
if hand > 0 then redis.call('HSET', KEYS[4], event, '1') end
fact(KEYS[1], now, 'event', event .. ' ' .. subject, 'type=' .. ARGV[10])
fact(KEYS[1], now, 'moment_came', event .. ' ' .. subject, 'moment=' .. ARGV[6] .. ' at=' .. due)
return hand > 0 and ('hand|' .. place) or 'new'
