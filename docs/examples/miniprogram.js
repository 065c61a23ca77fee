// Who answers for where the user stands? For a mini-program; `url` must be among its request domains.
// Keep tokens on your own server: a mini-program asks anonymously, or through you.

// wx.getLocation gives GCJ-02 only when told so; say the same to us, or the answer is several grids off.
function here() {
  return new Promise((done, failed) => wx.getLocation({ type: "gcj02", isHighAccuracy: true, success: done, fail: failed }));
}

function assign(url, place) {
  const data = { lon: place.longitude, lat: place.latitude, crs: "gcj02", accuracy_m: place.accuracy };
  return new Promise((done, failed) => wx.request({
    url: `${url}/api/v1/assign`,
    data,
    success: ({ statusCode, data: answer }) => (statusCode === 200 ? done(answer) : failed(new Error(answer.detail))),
    fail: failed,
  }));
}

async function whoAnswersHere(url) {
  const answer = await assign(url, await here());
  // Where another grid is nearly as likely, let the user choose rather than guess.
  const rivals = answer.alternates.filter((one) => one.share !== null && one.share >= 0.2);
  return { answer, ask: rivals.length > 0, rivals };
}

module.exports = { whoAnswersHere };
