--[[ conv_reply: an agent's words become one message in the outbox and one line in the thread, if the conversation is theirs.

One step: the epoch, the message and the line all lie in the contact's partition. So a stale owner's words are never enqueued,
and a crash leaves all of it or nothing. Repeated with the same key it answers as the first time: the idempotency key covers
a lost answer; the message id (made of conversation, agent and key) refuses a key that was used longer ago than that is known.
Interleavings looked at: two owners' replies (one epoch holds); reply against take, finish, release (whichever runs first raises
the epoch); reply against erasing (`erasing` is read here, and empties the lanes after); the window closing in between (the
deadline is read here and again before sending); a repeat after the window closed (the first answer comes before every check).

KEYS  1 cv:V  2 ct:V  3 ik:V:hash  4 facts  5 vd  6 vo  7 f:C  8 m:M  9-19 q, later, lane, ready 0-3, due 0-3 of the sender
      20 vr (zset)
ARGV  1 offset (ms)  2 V  3 agent  4 epoch seen  5 digest  6 keep the answer (ms)  7 M  8 deadline (ms; <= now: window closed)
      9 tau (ms)  10 keep the message after its deadline (ms)  11 entry key  12 M that this repeats ('' none)
      13 sealed message body  14 sealed entry body  15 sender that the lane keys are of
RETURNS as a command (lua/_conv.lua), with the entry's id and M
--]]
-- include base
-- include lane
-- include message
-- include conv
local conv = conv_read(KEYS[1])
if not conv then return {'unknown'} end
local first = answered(KEYS[3], ARGV[5], conv)
if first then return first end
local other = not_theirs(conv, ARGV[3], ARGV[4])
if other then return other end
local now = now_of(KEYS[4], tonumber(ARGV[1]))
local mid, deadline, again, sender = ARGV[7], tonumber(ARGV[8]), ARGV[12], ARGV[15]
if redis.call('HGET', KEYS[7], 'erasing') then return refused('erasing', conv) end
if conv.s ~= sender then return refused('sender_changed', conv) end
if redis.call('EXISTS', KEYS[8]) == 1 then return refused('key_reused', conv) end
if deadline <= now then return refused('window_closed', conv) end
if again ~= '' and conv['u:' .. again] then return refused('decided', conv) end
local set = lane_set(9)
local header = {'1', 'q', '0', sender, conv.a, '0', '0', text(deadline), '0', '', '', '', conv.c, '0', '0', '', 'reply',
  text(now), text(now), ARGV[2]}
header[SEQ] = text(redis.call('HINCRBY', set.lane, '#seq', 1))
redis.call('ZADD', KEYS[20], text(now + 1000), ARGV[2] .. '|' .. mid) -- its fate is looked after (store/fates.py)
message_write(KEYS[8], header, ARGV[13], text(deadline - now + tonumber(ARGV[10])))
redis.call('ZADD', set.q, 0, message_member(header, mid))
place(set, conv.a, lane_load(set.lane, conv.a), now, tonumber(ARGV[9]))
local entry = conv_entry(KEYS[2], now, 'out', ARGV[3], mid, '', ARGV[11], again, 'text', ARGV[14])
local wait = waited(conv, now)
-- Who is answered does not wait: what is live is opened by it, what waits or is parked needs no slot for our own words.
local changes = {lo = text(now), w = '', sw = '', rt = '', qe = '', bw = '', bs = '0', hu = '1'}
if LIVE[conv.st] then changes.st, changes.wu = 'active', '' end
if again ~= '' then changes['u:' .. again] = mid end
conv_write(KEYS[1], KEYS[5], KEYS[6], ARGV[2], conv, changes)
local ids = message_ids(header, mid)
fact(KEYS[4], now, 'enqueued', ids, 'nt=reply s=' .. sender .. ' p=0 dl=' .. text(deadline))
fact(KEYS[4], now, 'replied', ids, 'agent=' .. ARGV[3] .. (again ~= '' and (' again=' .. again) or '')
  .. (wait ~= '' and (' wait=' .. wait) or '') .. stands(conv))
return answer(KEYS[3], ARGV[5], ARGV[6], conv, entry, mid)
