/** The QR code of a sheet, on a photograph or scan. */

import decodeQR from "qr/decode.js";

const WIDEST = [1000, 2000, 600];

/** The text of the code; empty when none is seen. */
export async function wordsInPicture(file: File): Promise<string> {
  try {
    const picture = await createImageBitmap(file);
    for (const widest of WIDEST) {
      const text = codeIn(pixels(picture, picture.width, picture.height, widest));
      if (text) return text;
    }
  } catch {
    return "";
  }
  return "";
}

function codeIn(image: ImageData): string {
  try {
    return decodeQR(image);
  } catch {
    return "";
  }
}

/** The text of the code that a camera sees at this moment; empty when none is seen. */
export function wordsInView(video: HTMLVideoElement): string {
  return video.videoWidth ? codeIn(pixels(video, video.videoWidth, video.videoHeight, 1000)) : "";
}

function pixels(picture: CanvasImageSource, width: number, height: number, widest: number): ImageData {
  const scale = Math.min(1, widest / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}
