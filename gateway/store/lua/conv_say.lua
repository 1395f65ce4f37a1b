--[[ conv_say: what the house says by itself in a conversation: one message and one line in the thread, once for each key.

Lines that fall within some seconds are one message: as long as it has not begun to go, another takes its place with the words of
both. It has an id of its own, for whoever sends may have read the older one's words already. One step: whether it has begun, the new words and the line in the thread lie in the contact's
partition; so a crash leaves both lines or one, never one twice. Which words are there already is read by the caller; where they
changed since, nothing is written and it looks again.
Interleavings looked at: two lines at once (the second sees another count: it looks again); a line and a claim of the message (a
message in a lane's hand is left alone: the line becomes a message of its own); a line and a change of owner (epoch: dropped, and
said so in a fact); a line and its repetition (the key says what became of it); against erasing (as conv_reply).

KEYS  1 cv:V  2 ct:V  3 sy:V (hash)  4 facts  5 vd  6 vo  7 f:C  8 m:M of the new message  9 m:M that is held (8 again: none)
      10 vk:hash of the line's key (string)  11-21 q, later, lane, ready 0-3, due 0-3 of the sender
      22 vr (zset)
ARGV  1 offset (ms)  2 V  3 epoch it was made under ('' any)  4 M of the new message  5 M that is held ('' none)
      6 how many lines that one has  7 hold (ms; 0 go at once)  8 within (ms)  9 deadline (ms)  10 tau (ms)
      11 keep the message after its deadline (ms)  12 keep the key (ms)  13 sender that the lane keys are of
      14 sealed message  15 sealed entry  16 sealed lines  17 entry key  18 names of the lines, by commas
      19 priority  20 '1' the house speaks, '' it ushers a person in
RETURNS {said | joined | again, M} | {late} | {look} | {moved} | {erasing} | {unknown}
--]]
-- include base
-- include lane
-- include message
-- include conv
local conv = conv_read(KEYS[1])
if not conv then return {'unknown'} end
local before = redis.call('GET', KEYS[10])
if before == 'late' then return {'late'} end
if before then return {'again', before} end
if redis.call('HGET', KEYS[7], 'erasing') then return {'erasing'} end
local now = now_of(KEYS[4], tonumber(ARGV[1]))
local id, sender, deadline = ARGV[2], ARGV[13], tonumber(ARGV[9])
if ARGV[3] ~= '' and ARGV[3] ~= conv.ep then
  redis.call('SET', KEYS[10], 'late', 'PX', ARGV[12])
  fact(KEYS[4], now, 'automation_late', id .. ' ' .. conv.c, 'line=' .. ARGV[18] .. ' epoch=' .. ARGV[3] .. ' now=' .. conv.ep)
  return {'late'}
end
if conv.s ~= sender then return {'moved'} end
local set = lane_set(11)
local lane = lane_load(set.lane, conv.a)
local held = redis.call('HMGET', KEYS[3], 'm', 'n', 'at', 'e')
local open = held[1] and now - tonumber(held[3]) < tonumber(ARGV[8])
if open and ARGV[5] ~= held[1] then
  -- It may have gone by now, or belong to another sender: the caller names it, then that is looked at.
  if ARGV[5] == '' then return {'look', held[1]} end
  return {'look', ''}
end
if ARGV[5] ~= '' and (not open or ARGV[6] ~= held[2]) then return {'look', ''} end
if ARGV[5] ~= '' then
  local header, body = message_read(KEYS[9])
  local waits = header and header[STATE] == 'q' and header[ATTEMPT] == '0' and header[SENDER] == sender
    and lane.out ~= ARGV[5] and not is_unsure(lane, ARGV[5])
  if not waits then
    redis.call('DEL', KEYS[3]) -- it goes as it is: this line begins anew
    return {'look', ''}
  end
  redis.call('ZREM', set.q, message_member(header, ARGV[5]))
  redis.call('ZREM', set.later, message_member(header, ARGV[5]))
  redis.call('ZREM', KEYS[22], id .. '|' .. ARGV[5])
  header[STATE], header[REASON] = 'r', 'replaced'
  message_write(KEYS[9], header, body, ARGV[11])
  fact(KEYS[4], now, 'replaced', message_ids(header, ARGV[5]), 'by=' .. ARGV[4])
end
local mid, ttl = ARGV[4], text(math.max(deadline - now, 0) + tonumber(ARGV[11]))
local due = 0
if tonumber(ARGV[7]) > 0 then due = math.min((ARGV[5] ~= '' and tonumber(held[3]) or now) + tonumber(ARGV[7]), deadline) end
local header = {'1', 'q', '0', sender, conv.a, ARGV[19], text(redis.call('HINCRBY', set.lane, '#seq', 1)), text(deadline), '0', '', '',
  '', conv.c, '0', '0', '', 'said', text(now), text(due), id}
message_write(KEYS[8], header, ARGV[14], ttl)
if due > now then redis.call('ZADD', set.later, text(due), message_member(header, mid))
else redis.call('ZADD', set.q, 0, message_member(header, mid)) end
place(set, conv.a, lane, now, tonumber(ARGV[10]))
-- Nobody has them but automation: whether these words arrive is looked after, as an agent's are (store/fates.py).
if (conv.st == 'automated' or conv.st == 'resolved') and ARGV[18] ~= 'glad' then
  redis.call('ZADD', KEYS[22], text(math.max(now, due) + 1000), id .. '|' .. mid)
end
if ARGV[5] ~= '' and held[4] then redis.call('XDEL', KEYS[2], held[4]) end
local entry = conv_entry(KEYS[2], now, 'out', 'automation', mid, '', ARGV[17], '', 'text', ARGV[15])
-- That it ends by itself is no news of ours: the silence that ends it goes on.
local lo = ARGV[18] == 'ending' and conv.lo or text(math.max(tonumber(conv.lo), now))
conv_write(KEYS[1], KEYS[5], KEYS[6], id, conv, {lo = lo, au = ARGV[20]})
local count, since = '1', text(now)
if ARGV[5] ~= '' then count, since = text(tonumber(held[2]) + 1), held[3] end
redis.call('HSET', KEYS[3], 'f', '1', 'm', mid, 'n', count, 'at', since, 'e', entry, 'b', ARGV[16])
redis.call('PEXPIRE', KEYS[3], 60000)
redis.call('SET', KEYS[10], mid, 'PX', ARGV[12])
fact(KEYS[4], now, 'enqueued', message_ids(header, mid), 'nt=said s=' .. sender .. ' p=' .. ARGV[19] .. ' dl=' .. header[DEADLINE]
  .. (due > now and (' due=' .. text(due) .. ' why=schedule') or ''))
fact(KEYS[4], now, 'said', message_ids(header, mid), 'line=' .. ARGV[18] .. stands(conv)
  .. (ARGV[5] ~= '' and (' instead=' .. ARGV[5]) or ''))
return {count == '1' and 'said' or 'joined', mid}
