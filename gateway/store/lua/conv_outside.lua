#!lua flags=allow-oom
--[[ conv_outside: somebody else than us spoke to the person: in the channel's own inbox, or another program. One line, once.

A person's words answer whoever waited; a program's do not. One step with the state, so that nobody who was not answered is lost:
what they wrote after those words still waits. What stands in a queue stays there, marked as answered. Words never count as theirs.

KEYS  1 co:C:hash (string)  2 f:C (hash)  3 vk:hash (string)  4 facts  5 vd (zset)  6 vo (zset)  7 vs:C (zset)
      8 cv:new  9 ct:new  10 cv:old  11 ct:old (8 and 9 again when there is no old one)
ARGV  1 offset (ms)  2 V to open if one must be opened  3 V that co named when the caller looked ('' none)
      4 C  5 brand  6 A  7 S  8 a person said it '0'/'1'  9 author  10 at (ms)  11 form  12 entry key  13 sealed body
      14 reopen (ms)  15 keep resolved (ms)  16 keep the key (ms)
RETURNS {opened | added | known, V} | {again} (another conversation was opened meanwhile) | {erasing}
--]]
-- include base
-- include conv
if redis.call('HGET', KEYS[2], 'erasing') then return {'erasing'} end
local before = redis.call('GET', KEYS[3])
if before then return {'known', before} end
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[3] then return {'again'} end
local now = now_of(KEYS[4], tonumber(ARGV[1]))
local at = math.min(tonumber(ARGV[10]), now)
local person = ARGV[8] == '1'
local cv, ct, id, word = KEYS[10], KEYS[11], ARGV[3], 'added'
local conv = ARGV[3] ~= '' and conv_read(cv) or nil
local changes = {}
if conv and conv.st == 'resolved' and now - tonumber(conv.res) > tonumber(ARGV[14]) then conv = nil end
if not conv then
  cv, ct, id, word = KEYS[8], KEYS[9], ARGV[2], 'opened'
  conv = {st = '', n = '0', o = '', ep = '0'}
  changes = {c = ARGV[4], b = ARGV[5], a = ARGV[6], s = ARGV[7], st = 'automated', o = '', oat = text(now), ep = '1',
    q = 'general', op = text(now), w = '', li = '0', lo = text(at), n = '0', res = '', by = '', pv = ARGV[3], re = '0', own = '',
    la = person and text(at) or '0'}
else
  changes.lo = text(math.max(tonumber(conv.lo), at))
  if person then
    changes.la = text(math.max(tonumber(conv.la or '0'), at))
    local function left(since)
      if since == '' or at < tonumber(since) then return since end
      return at >= tonumber(conv.li) and '' or conv.li
    end
    changes.sw = left(conv.sw or '')
    if conv.st == 'automated' then
      changes.ep = text(tonumber(conv.ep) + 1) -- what automation was about to say is too late
    elseif conv.st ~= 'queued' and conv.st ~= 'assigned' then
      -- Its agent has seen it, and sees that it was answered. Where nobody has, it keeps its place and its age: somebody looks,
      -- and finds it marked as answered (la).
      changes.w = left(conv.w)
      if changes.w == '' then changes.rt, changes.qe = '', '' end
    end
  end
end
local entry = conv_entry(ct, at, 'out', ARGV[9], '', '', ARGV[12], '', ARGV[11], ARGV[13])
conv_write(cv, KEYS[5], KEYS[6], id, conv, changes)
redis.call('SET', KEYS[1], id)
redis.call('SET', KEYS[3], id, 'PX', ARGV[16])
redis.call('ZADD', KEYS[7], conv.op, id)
conv_keep({cv, ct, KEYS[1], KEYS[7]}, conv.st == 'resolved', ARGV[15])
local ids = id .. ' ' .. ARGV[4]
if word == 'opened' then fact(KEYS[4], now, word, ids, stands(conv)) end
fact(KEYS[4], now, 'outside', ids, 'by=' .. ARGV[9] .. stands(conv) .. ' entry=' .. entry)
return {word, id}
