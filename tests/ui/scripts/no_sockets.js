window.WebSocket = class {
  static OPEN = 1;
  constructor() { setTimeout(() => this.onclose({code: 1006})); }
};
